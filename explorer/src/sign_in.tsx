/** The bar at the top: who asks. A demo person, or a token of one's own, and a tenant where there are several. */

import { useEffect, useRef, useState, type SubmitEvent } from 'react';

import { forgetChosen, keyOf, lastChosen, people, rememberChosen, tokenFor, type Person } from './people.ts';
import { signIn, type Credentials, type Member, type Outcome, type Tenant } from './session.ts';

export type Signed = { credentials: Credentials; member: Member };
type Props = { hasPeople: boolean; signed: Signed | null; onSigned(signed: Signed | null): void };

export function SignIn({ hasPeople, signed, onSigned }: Props) {
  const [persons, setPersons] = useState<Person[]>([]);
  const [chosen, setChosen] = useState('');
  const [token, setToken] = useState('');
  const [tenants, setTenants] = useState<Tenant[]>([]);
  const [tenantId, setTenantId] = useState('');
  const [wrong, setWrong] = useState('');
  const latest = useRef(0); // only the last choice counts, whatever order the answers come in

  async function settle(credentials: Credentials, turn: number) {
    const outcome: Outcome = await signIn(credentials);
    if (turn !== latest.current) return;
    if ('tenants' in outcome) setTenants(outcome.tenants);
    setWrong('wrong' in outcome ? outcome.wrong : '');
    onSigned('member' in outcome ? { credentials, member: outcome.member } : null);
  }

  async function choose(person: Person) {
    const turn = ++latest.current;
    setChosen(keyOf(person));
    setToken('');
    setTenants([]);
    rememberChosen(keyOf(person));
    try {
      await settle({ token: await tokenFor(person) }, turn);
    } catch (error) {
      if (turn === latest.current) setWrong(String(error instanceof Error ? error.message : error));
    }
  }

  function submit(event: SubmitEvent) {
    event.preventDefault();
    const turn = ++latest.current;
    forgetChosen();
    setChosen('');
    setTenants([]);
    setTenantId('');
    if (token.trim()) void settle({ token: token.trim().replace(/^bearer\s+/i, '') }, turn);
  }

  useEffect(() => {
    if (!hasPeople) return;
    void people().then((found) => {
      setPersons(found);
      const first = found.find((person) => keyOf(person) === lastChosen())
        ?? found.find((person) => person.role === 'owner' && person.tenant === 'Enterprise') ?? found[0];
      if (first) void choose(first);
    });
  }, [hasPeople]);

  const tenantNames = [...new Set(persons.map((person) => person.tenant))];
  return (
    <header className="motomind-bar">
      <strong>MotoMind Explorer</strong>
      {persons.length > 0 && (
        <label>
          Demo person{' '}
          <select
            value={chosen}
            onChange={(event) => {
              const person = persons.find((one) => keyOf(one) === event.target.value);
              if (person) void choose(person);
            }}
          >
            {!chosen && <option value="">(a token)</option>}
            {tenantNames.map((name) => (
              <optgroup key={name} label={name}>
                {persons.filter((person) => person.tenant === name).map((person) => (
                  <option key={keyOf(person)} value={keyOf(person)}>
                    {person.email} · {person.role}
                  </option>
                ))}
              </optgroup>
            ))}
          </select>
        </label>
      )}
      <form onSubmit={submit}>
        <label>
          Token{' '}
          <input
            type="password"
            autoComplete="off"
            spellCheck={false}
            placeholder="paste a bearer token"
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        </label>
        <button type="submit" disabled={!token.trim()}>Use</button>
      </form>
      {tenants.length > 0 && (
        <label>
          Tenant{' '}
          <select
            value={tenantId}
            onChange={(event) => {
              setTenantId(event.target.value);
              void settle({ token: token.trim().replace(/^bearer\s+/i, ''), tenantId: event.target.value }, ++latest.current);
            }}
          >
            <option value="" disabled>choose one of {tenants.length}</option>
            {tenants.map((tenant) => <option key={tenant.id} value={tenant.id}>{tenant.name}</option>)}
          </select>
        </label>
      )}
      <output role="status">
        {wrong ? <span className="motomind-wrong">{wrong}</span>
          : signed ? <>{signed.member.name} · {signed.member.role.toLowerCase()} of {signed.member.tenant.name}</>
          : tenants.length > 0 ? 'This person belongs to several tenants.'
          : !hasPeople && 'Paste a token to begin. It stays in this page and is forgotten when it closes.'}
      </output>
    </header>
  );
}
