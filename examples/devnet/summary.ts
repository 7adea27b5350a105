import type { Comparison } from './compare-nodes.ts'
import { formatMebibytes, formatNumber, formatSeconds, formatTable, formatTenths } from './format.ts'
import type { LiveSummary } from './live-latency.ts'
import type { CatchUp, NodeReport, NodeRole } from './node-protocol.ts'
import type { ChainTotals } from './prepared-chain.ts'

/** A node at the end of the devnet. */
export interface FinalNode extends NodeReport {
  readonly name: string
  readonly role: NodeRole
}

/** What there is to say at the end of a devnet. */
export interface DevnetResult {
  /** The chain that the validators began with. */
  readonly chain: ChainTotals
  /** Of the full node that took longest; `undefined` where there is none. */
  readonly catchUp: CatchUp | undefined
  readonly live: LiveSummary
  readonly nodes: readonly FinalNode[]
  readonly comparison: Comparison
  /** Each node that did not come to the height where all were to stop. */
  readonly behind: readonly string[]
}

const MEBIBYTE = 1024 * 1024

/** Whether all nodes ended equal, at the height where they were to. */
export function isOk({ comparison, behind }: DevnetResult): boolean {
  return comparison.differences.length === 0 && behind.length === 0
}

/** The last line of `--json`. Digests are of the highest commit that all nodes have. */
export function summaryJson(result: DevnetResult): Record<string, unknown> {
  const { chain, catchUp, live, nodes, comparison } = result
  const { seconds = 0, commits = 0, blocks = 0, bytes = 0 } = catchUp ?? {}
  const perSecond = (count: number) => (seconds === 0 ? 0 : toThousandths(count / seconds))
  return {
    ok: isOk(result),
    chain: { commits: chain.commits, epochs: chain.epochs, blocks: chain.blocks, bytes: chain.bytes },
    catchUp: {
      seconds: toThousandths(seconds),
      commitsPerSecond: perSecond(commits),
      blocksPerSecond: perSecond(blocks),
      mebibytesPerSecond: perSecond(bytes / MEBIBYTE)
    },
    live: {
      commits: live.commits,
      latencyMs: { p50: toThousandths(live.latencyMs.p50), p99: toThousandths(live.latencyMs.p99) }
    },
    nodes: nodes.map((node, at) => ({
      name: node.name,
      role: node.role,
      peerId: node.peerId,
      epoch: node.epoch,
      highestSynced: node.highestSynced,
      lowestAvailable: node.lowestAvailable,
      highestExecuted: node.highestExecuted,
      commitDigest: comparison.held[at]?.commit ?? '',
      stateDigest: comparison.held[at]?.state ?? '',
      connections: node.connections
    }))
  }
}

/** The summary for people. */
export function summaryText(result: DevnetResult): string {
  const { chain, catchUp, live, nodes, comparison } = result
  const lines = [`chain     ${formatChain(chain)}`]
  if (catchUp !== undefined) {
    const perSecond = (count: number) => (catchUp.seconds === 0 ? 0 : count / catchUp.seconds)
    lines.push(
      catchUp.commits === 0
        ? 'catch-up  there was nothing to catch up with'
        : `catch-up  ${formatSeconds(catchUp.seconds)}: ${formatNumber(perSecond(catchUp.commits))} commits/s, ${formatNumber(perSecond(catchUp.blocks))} blocks/s, ${formatMebibytes(perSecond(catchUp.bytes))} MiB/s`,
      `live      ${formatNumber(live.commits)} commits, ${formatTenths(live.latencyMs.p50)} ms from validator to executor (p99 ${formatTenths(live.latencyMs.p99)} ms)`
    )
  }
  const [first] = comparison.held
  if (isOk(result) && first !== undefined) {
    lines.push(
      `equal     all ${nodes.length} nodes at commit ${formatNumber(comparison.height)}`,
      `  commit  ${first.commit}`,
      `  state   ${first.state}`
    )
  }
  const rows = nodes.map((node) => [
    node.name,
    node.epoch,
    node.highestSynced,
    node.lowestAvailable,
    node.highestExecuted,
    node.connections,
    node.peerId
  ])
  lines.push('', formatTable(['node', 'epoch', 'synced', 'lowest', 'executed', 'peers', 'peer id'], rows))
  return lines.join('\n')
}

/** How large a chain is, for people. */
export function formatChain({ commits, epochs, blocks, bytes }: ChainTotals): string {
  const parts = [`${formatNumber(commits)} commits`, `${formatNumber(blocks)} blocks`, `${formatMebibytes(bytes)} MiB`]
  if (epochs > 1) parts.splice(1, 0, `${formatNumber(epochs)} epochs`)
  return parts.join(', ')
}

/** What is wrong, a sentence each. */
export function problems({ comparison, behind }: DevnetResult): string[] {
  const differences = comparison.differences.map(({ node, what, index, found, expected }) => {
    const digest = what === 'commit' ? 'commit' : 'state after commit'
    return `${node} differs from commit ${index} on: its ${digest} ${index} is ${found || 'not there'}, not ${expected || 'missing'}`
  })
  return [...differences, ...behind]
}

/** What lies beyond is noise. */
function toThousandths(value: number): number {
  return Math.round(value * 1000) / 1000
}
