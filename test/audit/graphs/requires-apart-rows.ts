/** The rows of the graph in requires-apart.ts, and the values that its subgraphs make of them. */

export const FIELDS = [
  {
    id: "f1",
    name: "Ross Béthio",
    crop: { __typename: "Rice", labels: { WO: "ceeb", FR: "riz", EN: "rice" }, wet: true },
    owner: { __typename: "Person", first: "Awa", last: "Diop" },
    yields: [6, 5, 7, 4],
  },
  {
    id: "f2",
    name: "Kaffrine",
    crop: { __typename: "Millet", labels: { WO: "dugub", FR: "mil", EN: "millet" } },
    owner: { __typename: "Company", title: "Mbellar", ninea: "0042" },
    yields: [1, 2],
  },
];
export const harvests = ({ yields }: { yields: number[] }, { years }: { years: number }) =>
  yields.slice(0, years).map((tonnes, age) => ({ tonnes, age }));
export const label = ({ labels }: { labels: Record<string, string> }, { lang }: { lang: string }) =>
  labels[lang];
export const mean = (list: readonly { tonnes: number }[]) =>
  list.reduce((sum, { tonnes }) => sum + tonnes, 0) / list.length;
