/** The explorer: GraphiQL below a bar that says who asks. */

import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './style.css';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import type { FetcherParams } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { DownloadCsv } from './download.tsx';
import { beginWithAnExample, examplesPlugin } from './examples.tsx';
import { ask } from './session.ts';
import { SignIn, type Signed } from './sign_in.tsx';

const PLUGINS = [HISTORY_PLUGIN, explorerPlugin(), examplesPlugin];

/** GraphiQL for one member; without one there is no schema to show. Another member means another instance. */
function Graph({ signed }: { signed: Signed | null }) {
  const fetcher = useMemo(() => {
    return ({ query, variables, operationName }: FetcherParams) => {
      // GraphiQL notices an operation's new name a moment after the text: a name that the text lacks is the old one.
      const name = operationName && query.includes(operationName) ? operationName : undefined;
      return ask(signed?.credentials ?? { token: '' }, { query, variables, operationName: name });
    };
  }, [signed]);
  return (
    <GraphiQL
      fetcher={fetcher}
      schema={signed ? undefined : null}
      plugins={PLUGINS}
      visiblePlugin={examplesPlugin}
      defaultEditorToolsVisibility="variables"
      isHeadersEditorEnabled={false} // the history would keep what is typed there
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <span />
      </GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, merge, copy }) => (
          <>
            {prettify}
            {merge}
            {copy}
            <DownloadCsv />
          </>
        )}
      </GraphiQL.Toolbar>
    </GraphiQL>
  );
}

function Page({ ownersOnly, hasPeople }: { ownersOnly: boolean; hasPeople: boolean }) {
  const [signed, setSigned] = useState<Signed | null>(null);
  const refused = ownersOnly && signed?.member.role !== 'OWNER';
  return (
    <>
      <SignIn hasPeople={hasPeople} signed={signed} onSigned={setSigned} />
      {refused ? (
        <main className="motomind-refused">
          {signed
            ? 'The explorer is for owners here. Your queries are answered all the same, from any other client.'
            : 'The explorer is for owners here. Sign in as one above.'}
        </main>
      ) : (
        <Graph key={signed ? `${signed.member.email} ${signed.member.tenant.id}` : ''} signed={signed} />
      )}
    </>
  );
}

beginWithAnExample();
const root = document.getElementById('root')!;
createRoot(root).render(
  <Page ownersOnly={root.dataset.access === 'owners'} hasPeople={root.dataset.people === 'yes'} />,
);
