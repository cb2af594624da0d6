/** Carries the session in Apollo Client (docs/typed-clients.md): the example of the documentation. */
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { Defer20220824Handler } from "@apollo/client/incremental";
import { tap } from "rxjs";

function createSessionLink(): ApolloLink {
  const tokens = new Set<string>();
  return new ApolloLink((operation, forward) => {
    const sent = [...tokens];
    const held = sent.join(",").length > 8_000 ? "unknown" : sent.join(",");
    operation.setContext(({ headers }) => ({ headers: { ...headers, "teranga-session": held } }));
    const take = ({ extensions }: ApolloLink.Result) => {
      const header = operation.getContext().response.headers.get("teranga-session");
      const token = (extensions?.["teranga-session"] as string | undefined) ?? header;
      if (token) for (const each of sent) tokens.delete(each);
      if (token) tokens.add(token);
    };
    return forward(operation).pipe(tap(take));
  });
}

/** A client of the gateway at this URL. */
export function createApolloClient(uri: string | (() => string)): ApolloClient {
  return new ApolloClient({
    link: ApolloLink.from([createSessionLink(), new HttpLink({ uri })]),
    cache: new InMemoryCache(),
    incrementalHandler: new Defer20220824Handler(),
  });
}
