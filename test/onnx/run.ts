/**
 * Judges the ONNX export and import by others: ONNX Runtime runs our exports of many networks at
 * several opsets, and our imports compute the official cases of ONNX. Prints tables, and fails if a
 * difference is too large, a case does not pass without a reason, or a judge is missing.
 * --setup installs ONNX Runtime in the folder runtime.
 * usage: npm run onnx-check [-- --setup]
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { importers } from '../../src/io/onnx/operators/index.js';
import { hasCases, judgeCases } from './cases.js';
import { judgeCommand } from './command.js';
import { examples } from './examples.js';
import { type Network, networks } from './networks.js';
import { published } from './published.js';
import { difference, hasRuntime, runtimeFolder } from './runtime.js';

const opsets = [11, 13, 16, 17, 20, 23, 25];
/** The largest relative difference that passes. */
const limit = 1e-5;

function setup(): void {
  const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const { status } = spawnSync('npm', args, { cwd: runtimeFolder, stdio: 'inherit', env });
  console.log(status === 0 ? 'ONNX Runtime: installed' : 'ONNX Runtime: npm could not install it');
  process.exitCode = status === 0 ? 0 : 1;
}

/** One row: the differences of a network at every opset. */
async function judge(network: Network): Promise<{ row: string; passed: number; failed: number }> {
  const { name, since = 11 } = network;
  let [passed, failed] = [0, 0];
  const cells: string[] = [];
  const problems: string[] = [];
  for (const opset of opsets) {
    if (opset < since) {
      cells.push('-');
      continue;
    }
    try {
      const far = await difference(network, opset);
      const isRight = far <= limit;
      cells.push(`${far.toExponential(1)}${isRight ? '' : ' FAIL'}`);
      if (isRight) passed++;
      else failed++;
    } catch (error) {
      failed++;
      cells.push('FAIL');
      problems.push(`  opset ${opset}: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    }
  }
  const row = [name.padEnd(48), ...cells.map((cell) => cell.padStart(8))].join(' ');
  return { row: [row, ...problems].join('\n'), passed, failed };
}

/** The official cases, counted by operator and by the reason why they are not passed. */
async function runCases(): Promise<{ passed: number; failed: number }> {
  if (!hasCases()) {
    console.log("FAIL the official cases: Debian's package libonnx-testdata is not installed");
    return { passed: 0, failed: 1 };
  }
  const results = await judgeCases();
  const bad = results.filter(({ problem, reason }) => problem !== null && reason === undefined);
  // A reason that is no longer true is a mistake, too.
  const stale = results.filter(({ problem, reason }) => problem === null && reason !== undefined);
  const listed = new Map<string, number>();
  for (const { problem, reason } of results)
    if (problem !== null && reason !== undefined) listed.set(reason, (listed.get(reason) ?? 0) + 1);
  const good = results.filter(({ problem, reason }) => problem === null && reason === undefined);
  const operators = new Set(good.flatMap((result) => result.operators));
  console.log(`\nOfficial cases of ONNX: ${good.length} of ${results.length} passed, of ${operators.size} operators`);
  for (const [reason, count] of listed) console.log(`  not claimed: ${String(count).padStart(3)}  ${reason}`);
  const untested = Object.keys(importers).filter((operator) => !operators.has(operator));
  console.log(`  operators without a case in this version: ${untested.join(', ') || 'none'}`);
  for (const { name, problem } of bad) console.log(`FAIL ${name}: ${problem}`);
  for (const { name, reason } of stale) console.log(`FAIL ${name}: passes, although it is listed: ${reason}`);
  return { passed: good.length, failed: bad.length + stale.length };
}

async function run(): Promise<void> {
  let [passed, failed] = [0, 0];
  if (!hasRuntime()) {
    console.log('FAIL ONNX Runtime: not installed; npm run onnx-check -- --setup installs it');
    failed++;
  } else {
    console.log('Largest differences of ONNX Runtime from this library, relative to the largest number, by opset');
    console.log([''.padEnd(48), ...opsets.map((opset) => String(opset).padStart(8))].join(' '));
    for (const network of [...networks, ...published, ...examples]) {
      const judged = await judge(network);
      console.log(judged.row);
      passed += judged.passed;
      failed += judged.failed;
    }
    const { text, isRight } = await judgeCommand();
    console.log(`\n${isRight ? '' : 'FAIL '}${text}`);
    if (isRight) passed++;
    else failed++;
  }
  const cases = await runCases();
  passed += cases.passed;
  failed += cases.failed;
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

const { values } = parseArgs({ options: { setup: { type: 'boolean' } } });
if (values.setup) setup();
else await run();
