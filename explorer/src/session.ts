/** Who asks: a bearer token, and a tenant where the token leaves it open. Both are kept in memory and nowhere else. */

export type Credentials = { token: string; tenantId?: string };
export type Tenant = { id: string; name: string };
export type Member = { name: string; email: string; role: string; tenant: Tenant };
export type Answer = {
  data?: any;
  errors?: { message: string; extensions?: { code?: string; tenants?: Tenant[] } }[];
};

/** What came of signing in: a member, tenants to choose from, or what is wrong. */
export type Outcome = { member: Member } | { tenants: Tenant[] } | { wrong: string };

const WHO = `query WhoAmI {
  viewer { name email memberships { role tenant { id name } } }
  tenant { id }
}`;

/** Asks the gateway. Throws with a sentence for people where it answers nothing that can be read. */
export async function ask({ token, tenantId }: Credentials, body: object, signal?: AbortSignal): Promise<Answer> {
  const headers: Record<string, string> = {
    Accept: 'application/graphql-response+json, application/json;q=0.9',
    'Content-Type': 'application/json',
  };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (tenantId) headers['X-Tenant-Id'] = tenantId;
  let response: Response;
  try {
    response = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify(body), cache: 'no-store', signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error('The gateway does not answer. Is it still running?');
  }
  try {
    return await response.json();
  } catch {
    throw new Error(`The gateway answered ${response.status}, and no JSON.`);
  }
}

/** The member behind credentials. */
export async function signIn(credentials: Credentials): Promise<Outcome> {
  try {
    const { data, errors } = await ask(credentials, { query: WHO });
    const tenants = errors?.[0]?.extensions?.tenants;
    if (tenants) return { tenants };
    const membership = data?.viewer?.memberships.find((one: any) => one.tenant.id === data.tenant.id);
    if (!membership) return { wrong: errors?.[0]?.message ?? 'The gateway does not say who this is.' };
    return { member: { name: data.viewer.name, email: data.viewer.email, ...membership } };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
}
