// PostGraphile 5 over the benchmark's database: DATABASE_URL, PORT. Prints "listening" when it serves; with the argument
// "schema" prints its schema instead. A caller is who the headers X-User-Id and X-Tenant-Id say: no token is verified.
import { createServer } from "node:http";

import { PgSimplifyInflectionPreset } from "@graphile/simplify-inflection";
import { printSchema } from "graphql";
import pg from "pg";
import { makeSchema } from "postgraphile";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const callers = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
for (const each of [pool, callers]) each.on("error", (error) => console.error(error));

// What app.enter() sets for the gateway, by the function that it asks, in one statement. The settings for writing are
// left out, as for the gateway's queries.
async function pgSettings(headers) {
  const [userId, tenantId] = [headers["x-user-id"], headers["x-tenant-id"]];
  const { rows } = await callers.query({
    name: "caller",
    text: "select role, readable::text from app.resolve_caller($1, $2, false)",
    values: [userId, tenantId],
  });
  const [{ role, readable }] = rows;
  const settings = { "app.tenant_id": tenantId, "app.user_id": userId, "app.role": role };
  return role === "viewer"
    ? { ...settings, role: "gateway_groups", "app.read_grants": readable ?? "{}" }
    : { ...settings, role: "gateway_tenant" };
}

const preset = {
  extends: [PostGraphileAmberPreset, PgSimplifyInflectionPreset],
  disablePlugins: ["PgRBACPlugin"], // the login role is granted nothing itself; row-level security decides
  pgServices: [
    makePgService({
      pool,
      schemas: ["public", "bench"],
      pubsub: false,
      pgSettingsForIntrospection: { role: "gateway_tenant" },
    }),
  ],
  grafast: {
    explain: false,
    context: async ({ node }) => ({ pgSettings: await pgSettings(node.req.headers) }),
  },
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false, maxRequestLength: 1_000_000 },
};

if (process.argv[2] === "schema") {
  const { schema } = await makeSchema(preset);
  console.log(printSchema(schema));
  process.exit(0);
}
const server = createServer();
server.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
await postgraphile(preset).createServ(grafserv).addTo(server);
server.keepAliveTimeout = 60_000;
server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("listening"));
