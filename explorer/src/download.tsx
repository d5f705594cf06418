/** The tool bar's button that saves the result on display as CSV. */

import { ToolbarButton, useGraphiQL } from '@graphiql/react';
import { visit, type DocumentNode } from 'graphql';
import { useEffect, useState } from 'react';

import { csv, table } from './csv.js';

/** The names in a result that the document selects nothing in: what stands there is one value, JSON too. */
function leavesOf(document: DocumentNode) {
  const leaves = new Set<string>();
  const composites = new Set<string>();
  visit(document, {
    Field: ({ alias, name, selectionSet }) => void (selectionSet ? composites : leaves).add((alias ?? name).value),
  });
  return new Set([...leaves].filter((name) => !composites.has(name)));
}

function rowsIn(result: string, document: DocumentNode | undefined) {
  try {
    return table(JSON.parse(result).data, document && leavesOf(document));
  } catch {
    return null; // nothing yet, or a message
  }
}

function save(name: string, text: string) {
  const link = window.document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  link.download = `${name}-${new Date().toISOString().slice(0, 10)}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function DownloadCsv() {
  const editor = useGraphiQL((state) => state.responseEditor);
  const operation = useGraphiQL((state) => state.operationName);
  const document = useGraphiQL((state) => state.documentAST);
  const [rows, setRows] = useState<ReturnType<typeof table>>(null);

  useEffect(() => {
    if (!editor) return undefined;
    const look = () => setRows(rowsIn(editor.getValue(), document));
    look();
    const listening = editor.onDidChangeModelContent(look);
    return () => listening.dispose();
  }, [editor, document]);

  const label = rows ? `Download ${rows.length} rows as CSV` : 'No CSV: the result holds no list';
  return (
    <ToolbarButton
      label={label}
      aria-disabled={!rows}
      className={rows ? '' : 'motomind-idle'}
      onClick={() => rows && save(operation ?? 'result', csv(rows))}
    >
      <svg className="graphiql-toolbar-icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.7">
        <path d="M12 4v11m0 0-4-4m4 4 4-4M5 19h14" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
    </ToolbarButton>
  );
}
