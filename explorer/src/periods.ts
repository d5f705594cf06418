/**
 * Values for the variables of examples, by their names, as of today (UTC):
 *
 *   $month1, $month2 ...   Period: the last full month, the one before it ...
 *   $months6 ...           Period: the last six full months
 *   $days30 ...            Period: the last thirty days, today included
 *   $since30 ...           DateTime: thirty days ago
 *
 * tests/test_example_queries.py fills them in the same way.
 */

const day = (date: Date) => date.toISOString().slice(0, 10);
const months = (today: Date, back: number) => day(new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - back)));
const days = (today: Date, back: number) =>
  day(new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate() - back)));

const NAMED: Record<string, (today: Date, count: number) => unknown> = {
  month: (today, count) => ({ start: months(today, count), end: months(today, count - 1) }),
  months: (today, count) => ({ start: months(today, count), end: months(today, 0) }),
  days: (today, count) => ({ start: days(today, count - 1), end: days(today, -1) }),
  since: (today, count) => `${days(today, count)}T00:00:00Z`,
};

/** The variables that a document declares and that have such a name. */
export function variablesFor(document: string, today = new Date()): Record<string, unknown> {
  const found = document.matchAll(/\$(month|months|days|since)(\d+)\s*:/g);
  return Object.fromEntries([...found].map(([, name, count]) => [name! + count, NAMED[name!]!(today, Number(count))]));
}
