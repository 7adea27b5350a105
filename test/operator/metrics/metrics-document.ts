import type { SomaNode } from '../../../src/node/soma-node.ts'
import { createNodeMetrics } from '../../../src/operator/index.ts'
import { buildChain, TestNetwork } from '../../../src/testing/index.ts'

/** Where the document is. */
export const DOCUMENT: URL = new URL('../../../docs/metrics.md', import.meta.url)

interface Described {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labelNames: readonly string[]
}

interface Section {
  readonly title: string
  readonly intro?: string
  readonly holds: (name: string) => boolean
}

const starts =
  (...prefixes: string[]) =>
  (name: string) =>
    prefixes.some((prefix) => name.startsWith(prefix))

const SECTIONS: readonly Section[] = [
  { title: 'The node', holds: (name) => /^soma_p2p_(?!sync|verif|store_|rpc_|peers_|discovery_)/.test(name) },
  { title: 'Sync', holds: starts('soma_p2p_sync', 'soma_p2p_verif') },
  { title: 'Store', holds: starts('soma_p2p_store_') },
  {
    title: 'Requests and serving',
    intro:
      '`direction` is `outbound` for requests of this node and `inbound` for those of others, whom it serves. `result` is `ok`, `stopped` where whoever asked had enough, or the code of an error: inbound, `RPC_RATE_LIMITED` are those that this node refused.',
    holds: starts('soma_p2p_rpc_')
  },
  {
    title: 'Peers',
    intro:
      '`consequence` is `none`, `backoff`, `penalty` or `ban`; `code` is that of the error. Bans by the operator are in `soma_p2p_peers_bans` only.',
    holds: starts('soma_p2p_peers_')
  },
  { title: 'Discovery', holds: starts('soma_p2p_discovery_') },
  {
    title: "libp2p's own",
    intro: 'Under the names that libp2p gives them. With `encryption: tls` there are those of TLS as well.',
    holds: starts('libp2p_')
  },
  {
    title: 'The process',
    intro:
      "prom-client's, of the whole process: nodes that share one have the same. The event loop is measured by marks of ten milliseconds, which are in what it shows; each scrape begins anew.",
    holds: () => true
  }
]

const HEADER = `# Metrics

A node that was made with \`createNode({ metrics: createNodeMetrics() })\` has all of these in one registry, in Prometheus' form: \`metrics.text()\`, or \`/metrics\` of
\`startStatusServer({ node, metrics })\`. The command line's node serves them at \`http.listen\`. Units are seconds and bytes; counters end in \`_total\`; no label is a peer's id, and
each has a bounded number of values. What the node cannot say at a scrape is left out, and counted by \`soma_p2p_status_failures_total\`.

\`\`\`yaml
# prometheus.yaml
rule_files: [operations/alert-rules.yaml]
scrape_configs:
  - job_name: soma-p2p # the alerts go by this name
    scrape_interval: 5s
    static_configs: [{ targets: ['127.0.0.1:9100'] }]
\`\`\`

[operations/grafana-dashboard.json](../operations/grafana-dashboard.json) shows them, [operations/alert-rules.yaml](../operations/alert-rules.yaml) has the alerts. Both are tested against nodes that a
real Prometheus scrapes. This page is written by \`npm run metrics:document\` from what a running node has.
`

/** Everything that running nodes have, as a document. */
export async function metricsDocument(): Promise<string> {
  const described = (await describeMetrics()).sort((a, b) => (a.name < b.name ? -1 : 1))
  const left = new Set(described)
  const sections = SECTIONS.map((section) => {
    const own = [...left].filter(({ name }) => section.holds(name))
    for (const metric of own) left.delete(metric)
    return { ...section, own }
  })
  return [HEADER, ...sections.map(describeSection)].join('\n')
}

function describeSection({ title, intro, own }: Section & { readonly own: readonly Described[] }): string {
  const rows = own.map(({ name, type, labelNames, help }) => {
    const labels = labelNames.map((label) => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${labels} | ${help.replaceAll('|', '\\|')} |`
  })
  return [
    `## ${title}`,
    '',
    ...(intro === undefined ? [] : [intro, '']),
    '| metric | type | labels | what it is |',
    '| --- | --- | --- | --- |',
    ...rows,
    ''
  ].join('\n')
}

async function describeMetrics(): Promise<Described[]> {
  const chain = buildChain({ commits: 4 })
  await using network = new TestNetwork(chain)
  const metrics = createNodeMetrics({ directory: '.', executed: () => 0 })
  const validator = await network.start({ validator: 0, commits: 4 })
  const node: SomaNode = await network.start({ seeds: [validator], metrics })
  await network.reached(node, 4, { signal: AbortSignal.timeout(60_000) })
  await metrics.text()
  // what prom-client holds of a metric has its labels, though its type does not say so
  return metrics.registry.getMetricsAsArray() as unknown as Described[]
}
