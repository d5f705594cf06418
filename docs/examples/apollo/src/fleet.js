// Prints the fleet that the key may see. GATEWAY_URL and MOTOMIND_KEY come from the environment.
import { readFile } from "node:fs/promises";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { generatePersistedQueryIdsFromManifest } from "@apollo/persisted-query-lists";
import { FLEET, VEHICLES } from "./queries.js";

const manifest = JSON.parse(await readFile(new URL("../persisted-query-manifest.json", import.meta.url), "utf8"));

const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.from([
    // Ids instead of texts; GET, so that an unchanged answer is a 304.
    new PersistedQueryLink({
      ...generatePersistedQueryIdsFromManifest({ loadManifest: async () => manifest }),
      useGETForHashedQueries: true,
    }),
    new HttpLink({
      uri: process.env.GATEWAY_URL ?? "http://127.0.0.1:8000/graphql",
      headers: { Authorization: `Bearer ${process.env.MOTOMIND_KEY}` },
    }),
  ]),
});

const { data: fleet } = await client.query({ query: FLEET });
const labels = [];
for (let after = null; ; ) {
  const { data } = await client.query({ query: VEHICLES, variables: { first: 100, after } });
  labels.push(...data.vehicles.nodes.map((vehicle) => vehicle.label));
  if (!data.vehicles.pageInfo.hasNextPage) break;
  after = data.vehicles.pageInfo.endCursor;
}
console.log(JSON.stringify({ tenant: fleet.tenant.name, groups: fleet.tenant.rootGroups.length, vehicles: labels.length }));
