/**
 * The parts of fflate that zip files need. They are loaded late, through this module, because a
 * bundler that loads fflate itself late keeps all of it. Not here: PNG's parts (png.ts).
 */
export { Inflate, zipSync } from 'fflate';
