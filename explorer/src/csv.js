/**
 * A GraphQL result as a table: one row for each object of its longest chain of lists.
 *
 * Each row repeats what stands above it on the chain: a vehicle with five events is five rows, one without any is one.
 * Nested objects become columns with dotted names, like fleetGroup.name. Lists beside the chain are written as JSON, and
 * so are lists inside a JSON value: it is one value of its row. Which fields are leaves, the document says.
 */

/** @typedef {Record<string, unknown>} Row */
/** @typedef {string[]} Path  The keys from an object down to a list. */
/** @typedef {ReadonlySet<string>} Leaves  The fields that the document selects nothing in. */

/** @param {unknown} value @returns {value is Row} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {unknown} value @returns {value is Row[]} */
const isTable = (value) =>
  Array.isArray(value) && value.some(isObject) && value.every((item) => item === null || isObject(item));

/**
 * The lists of objects that are reached from an object without passing through another list.
 * @param {Row} object @param {Leaves} leaves @param {Path} [above] @returns {Iterable<[Path, Row[]]>}
 */
function* lists(object, leaves, above = []) {
  for (const [key, value] of Object.entries(object)) {
    const path = [...above, key];
    if (leaves.has(key)) continue;
    if (isTable(value)) yield [path, value.filter(isObject)];
    else if (isObject(value)) yield* lists(value, leaves, path);
  }
}

/**
 * The chain of lists below some objects that makes most rows; the first of several that make as many.
 * @param {Row[]} objects @param {Leaves} leaves @returns {{ chain: Path[], rows: number }}
 */
function longest(objects, leaves) {
  /** @type {Map<string, { path: Path, found: Row[], without: number }>} */
  const below = new Map();
  for (const object of objects) {
    for (const [path, found] of lists(object, leaves)) {
      const name = path.join('.');
      const known = below.get(name) ?? { path, found: [], without: objects.length };
      for (const item of found) known.found.push(item); // not push(...found): that is one argument for each
      known.without -= 1;
      below.set(name, known);
    }
  }
  /** @type {{ chain: Path[], rows: number }} */
  let best = { chain: [], rows: objects.length };
  for (const { path, found, without } of below.values()) {
    const further = longest(found, leaves);
    const rows = further.rows + without;
    if (rows > best.rows || best.chain.length === 0) best = { chain: [path, ...further.chain], rows };
  }
  return best;
}

/**
 * An object's own columns: scalars, nested objects dotted, lists as JSON; without the list that the chain goes on with.
 * @param {Row} object @param {string} prefix @param {string | undefined} without @param {Row} into
 */
function flatten(object, prefix, without, into) {
  for (const [key, value] of Object.entries(object)) {
    const name = prefix + key;
    if (name === without) continue;
    if (isObject(value)) flatten(value, `${name}.`, without, into);
    else into[name] = Array.isArray(value) ? JSON.stringify(value) : value;
  }
}

/** @param {Row} object @param {Path} path @returns {unknown} */
const at = (object, path) => path.reduce((/** @type {any} */ value, key) => value?.[key], object);

/**
 * @param {Row} object @param {string} prefix @param {Path[]} chain @param {Row} above @returns {Iterable<Row>}
 */
function* unroll(object, prefix, [path, ...rest], above) {
  const row = { ...above };
  const list = path && prefix + path.join('.');
  flatten(object, prefix, list, row);
  const inner = path && at(object, path);
  if (!isTable(inner)) yield row;
  else for (const item of inner.filter(isObject)) yield* unroll(item, `${list}.`, rest, row);
}

/**
 * The rows of a result's data, or null where it holds no list of objects. Columns are named from the outermost list on.
 * @param {unknown} data @param {Leaves} [leaves] @returns {Row[] | null}
 */
export function table(data, leaves = new Set()) {
  if (!isObject(data)) return null;
  const [path, ...rest] = longest([data], leaves).chain;
  if (!path) return null;
  const outer = /** @type {unknown[]} */ (at(data, path));
  return outer.filter(isObject).flatMap((item) => [...unroll(item, '', rest, {})]);
}

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/**
 * One field. A text that a spreadsheet would take for a formula gets an apostrophe in front; a number is none.
 * @param {unknown} value
 */
function field(value) {
  if (value === null || value === undefined) return '';
  let text = String(value);
  if (/^[=+\-@\t\r\n]/.test(text) && !NUMBER.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * The columns that any row has, in the order in which they come; where an object is null in some rows, its own columns
 * tell it, and there is none for the object.
 * @param {Row[]} rows
 */
function columnsOf(rows) {
  /** @type {Map<string, boolean>} */
  const hasValues = new Map();
  const objects = new Set();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      if (!hasValues.get(name)) hasValues.set(name, value !== null);
    }
  }
  for (const name of hasValues.keys()) {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) objects.add(name.slice(0, dot));
  }
  return [...hasValues.keys()].filter((name) => hasValues.get(name) || !objects.has(name));
}

/**
 * The rows as RFC 4180 has it: a header, CRLF, quotes doubled. A byte order mark tells Excel that it is UTF-8.
 * @param {Row[]} rows
 */
export function csv(rows) {
  const columns = columnsOf(rows);
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
  return `\uFEFF${lines.map((line) => line.map(field).join(',')).join('\r\n')}\r\n`;
}
