/**
 * The networks by name. Each is loaded when it is chosen, because contours need much code that the
 * others do not need.
 */
import type { Networks } from './network.js';

export const networks: Networks = {
  cedn: async (...given) => (await import('./cedn.js')).openCedn(...given),
  digits: async (...given) => (await import('./digits.js')).openDigits(...given),
  'what-where': async (...given) => (await import('./what-where.js')).openWhatWhere(...given),
  contours: async (...given) => (await import('./contours.js')).openContours(...given),
};
