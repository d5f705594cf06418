/** The people of the demo. A development gateway on loopback hands out tokens for them, and for nobody else. */

export type Person = { email: string; name: string; role: string; tenant: string };

const CHOSEN = 'motomind:person';

export const keyOf = (person: Person) => `${person.email} ${person.tenant}`;

export async function people(): Promise<Person[]> {
  const response = await fetch('/explorer/people', { cache: 'no-store' });
  return response.ok ? (await response.json()).people : [];
}

/** A new token for a person, bound to the tenant. */
export async function tokenFor({ email, tenant }: Person): Promise<string> {
  const response = await fetch('/explorer/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, tenant }),
    cache: 'no-store',
  });
  if (!response.ok) throw new Error(`The gateway gives no token for ${email}.`);
  return (await response.json()).token;
}

/** Who was chosen last in this browser tab: the name only, so that a reload goes on as the same person. */
export const lastChosen = () => sessionStorage.getItem(CHOSEN);
export const rememberChosen = (key: string) => sessionStorage.setItem(CHOSEN, key);
export const forgetChosen = () => sessionStorage.removeItem(CHOSEN);
