/** The saved queries: a list in the side bar, each opened in a tab of its own. */

import { useGraphiQL, useGraphiQLActions, type GraphiQLPlugin } from '@graphiql/react';

import { variablesFor } from './periods.ts';

export type Example = { title: string; about: string; query: string };

const files: Record<string, string> = import.meta.glob('../examples/*.graphql', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** A file begins with comments: the title on the first line, what it is about below. */
function read(text: string): Example {
  const comments = text.slice(0, text.search(/^[^#]/m)).split('\n').map((line) => line.replace(/^#\s?/, ''));
  return { title: comments[0]!, about: comments.slice(1).join(' ').trim(), query: text.trim() };
}

export const EXAMPLES = Object.values(files)
  .map(read)
  .sort((one, other) => one.title.localeCompare(other.title));

/** An example's variables as of today, as the editor shows them. */
function variablesText({ query }: Example) {
  const variables = variablesFor(query);
  return Object.keys(variables).length ? JSON.stringify(variables, null, 2) : '';
}

/** On a first visit, puts an example where GraphiQL looks for the query and the variables of the last one. */
export function beginWithAnExample() {
  try {
    if (localStorage.getItem('graphiql:tabState') ?? localStorage.getItem('graphiql:query')) return;
    const first = read(files['../examples/fleet_tree.graphql']!);
    localStorage.setItem('graphiql:query', first.query);
    localStorage.setItem('graphiql:variables', variablesText(first));
  } catch {
    // a browser that stores nothing begins with an empty tab
  }
}

function Panel() {
  const { addTab, changeTab } = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const tabs = useGraphiQL((state) => state.tabs);

  function open(example: Example) {
    const there = tabs.findIndex((tab) => tab.query?.trim() === example.query);
    if (there >= 0) return changeTab(there);
    addTab();
    queryEditor?.setValue(example.query);
    variableEditor?.setValue(variablesText(example));
  }

  return (
    <section className="motomind-examples" aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      <p>Each opens in a tab of its own. Run it, change it, download its result as CSV.</p>
      <ul>
        {EXAMPLES.map((example) => (
          <li key={example.title}>
            <button type="button" className="graphiql-un-styled" onClick={() => open(example)}>
              {example.title}
            </button>
            <p>{example.about}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

const Icon = () => (
  <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
    <path d="M5 4h14v16H5zM9 9h6M9 12.5h6M9 16h4" strokeLinecap="round" strokeLinejoin="round" />
  </svg>
);

export const examplesPlugin: GraphiQLPlugin = { title: 'Examples', icon: Icon, content: Panel };
