/**
 * The size of what the page loads without a GPU device. Not counted are gpu.js, the device that
 * runs on it and is loaded with it, and data.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { check } from '../browser/report.mjs';
import { site } from './site.mjs';

const limit = 300_000;

/** @param loaded the files that all visits together have loaded */
export const checkSizes = ({ loaded }) =>
  check(`the page is smaller than ${limit / 1000} kB, compressed`, () => {
    const files = ['index.html', ...readdirSync(join(site, 'assets')).map((file) => `assets/${file}`)];
    const code = files.filter((file) => !/^assets\/gpu-/.test(file));
    const seen = code.filter((file) => file === 'index.html' || loaded.has(file));
    const bytes = (list) =>
      list.reduce((sum, file) => sum + gzipSync(readFileSync(join(site, file)), { level: 9 }).length, 0);
    // Code that no visit loads escapes this check. It may only be the kernels for 64-bit memory.
    const unseen = code.filter((file) => !seen.includes(file));
    assert.deepEqual(
      unseen.map((file) => file.replace(/-[\w-]{8}\.js$/, '')),
      ['assets/binary64'],
    );
    const total = bytes(seen);
    assert.ok(total < limit, `${total} bytes`);
    return `${(total / 1000).toFixed(0)} kB in ${seen.length} files`;
  });
