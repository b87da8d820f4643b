/** Numbers, durations and dates as text. */

/** Four significant digits. page-script.ts does the same in the page. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  const short = Number(value.toPrecision(4));
  const text = size !== 0 && (size < 1e-3 || size >= 1e6) ? short.toExponential().replace('e+', 'e') : String(short);
  return text.replaceAll('-', '−');
}

/** Whole numbers with separated thousands. */
export const formatCount = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');

/** @units seconds → text such as 4.2 s, 3 min 07 s, 2 h 05 min */
export function formatSeconds(seconds: number): string {
  if (!(seconds >= 0)) return '–';
  if (seconds < 60) return `${Number(seconds.toPrecision(2))} s`;
  const whole = Math.round(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
    : `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** @units ISO 8601 → text such as 2026-11-30 10:43 UTC */
export const formatDate = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
