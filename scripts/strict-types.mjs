/**
 * Holds some folders to stricter compiler settings than the rest (tsconfig.strict.json). The
 * compiler checks the files that they import too, under the same settings, so only errors in the
 * folders themselves count here. One file of byte arithmetic (io/png-pixels.ts) is left out.
 * exactOptionalPropertyTypes is off, because an option that is undefined counts as one that is not
 * given. Not here: the settings of all files (tsconfig.json).
 * usage: node scripts/strict-types.mjs
 */
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const repository = fileURLToPath(new URL('..', import.meta.url));
const host = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => repository,
  getNewLine: () => '\n',
};
const report = (diagnostics) => console.error(ts.formatDiagnosticsWithColorAndContext(diagnostics, host));

const config = ts.getParsedCommandLineOfConfigFile(
  fileURLToPath(new URL('../tsconfig.strict.json', import.meta.url)),
  {},
  { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (diagnostic) => report([diagnostic]) },
);
const folders = config?.raw.include ?? [];
const nameOf = (file) => relative(repository, file).replaceAll(sep, '/');
for (const folder of folders)
  if (!config.fileNames.some((file) => nameOf(file).startsWith(`${folder}/`)))
    throw new Error(`tsconfig.strict.json: no file in ${folder}`);
if (folders.length === 0 || config.options.noUncheckedIndexedAccess !== true)
  throw new Error('tsconfig.strict.json: folders and noUncheckedIndexedAccess are needed');

const program = ts.createProgram(config.fileNames, config.options);
const errors = config.fileNames.flatMap((file) => {
  const source = program.getSourceFile(file);
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
});
const all = [
  ...config.errors,
  ...program.getConfigFileParsingDiagnostics(),
  ...program.getGlobalDiagnostics(),
  ...errors,
];
if (all.length > 0) {
  report(all);
  process.exitCode = 1;
}
