import { gql } from "@apollo/client";

export const FLEET = gql`
  query Fleet {
    tenant {
      name
      rootGroups {
        name
        rollup {
          vehicleCount
        }
      }
    }
  }
`;

export const VEHICLES = gql`
  query Vehicles($first: Int!, $after: String) {
    vehicles(first: $first, after: $after) {
      nodes {
        label
        make
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;
