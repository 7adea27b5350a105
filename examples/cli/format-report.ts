import { styleText } from 'node:util'
import type { PeerStatus } from '../../src/node/soma-node.ts'
import { singleLine } from '../../src/runtime/single-line.ts'
import type { NodeReport } from './node-report.ts'

const colours = { ok: 'green', degraded: 'yellow', failed: 'red' } as const

/** Colours a text, where whoever reads it wants colours. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string

/** Events that a status ends with: `--json` has all that are kept. */
const MOST_EVENTS = 5

/** A node's status for people. */
export function formatReport(report: NodeReport, stream: NodeJS.WriteStream): string {
  const { highestSynced, synced, executor, peers } = report
  const rows: [string, string][] = [
    [
      'node',
      `${report.role === 'validator' ? 'validator' : 'full node'}, process ${report.pid}, version ${report.version}, up ${duration(report.uptimeMs)}`
    ],
    ['peer id', report.peerId],
    ['chain id', report.chainId],
    ...report.addresses.map((address): [string, string] => ['address', singleLine(address)]),
    ...(report.page === undefined ? [] : [['page', report.page] satisfies [string, string]]),
    [
      'synced',
      `to commit ${highestSynced.index} of ${Math.max(report.highestKnown, highestSynced.index)}, epoch ${report.epoch}`
    ],
    ['', `digest ${highestSynced.digest}`],
    ['', `since the start ${synced.commits} commits, ${synced.blocks} blocks, ${mebibytes(synced.bytes)}`],
    [
      'serves',
      report.highestCertifiable < report.lowestAvailable
        ? 'no commits yet'
        : `commits ${report.lowestAvailable} to ${report.highestCertifiable}`
    ],
    ['in flight', `${report.rangesInFlight} ranges, ${mebibytes(report.bytesInFlight)}`]
  ]
  if (executor !== undefined) {
    rows.push(['executed', `to commit ${executor.highestExecuted}, ${executor.transactions} transactions`])
    rows.push(['', `state ${executor.stateDigest}`])
    if (executor.failure !== undefined) rows.push(['', styleText('red', singleLine(executor.failure), { stream })])
  }
  for (const [part, { state, reason }] of Object.entries(report.health)) {
    rows.push([
      part,
      styleText(colours[state], state, { stream }) + (reason === undefined ? '' : `: ${singleLine(reason)}`)
    ])
  }
  rows.push(...waitingRows(report, stream))
  const lonely = report.discovery.isIsolated ? ' and looking for more' : ''
  rows.push(['peers', `${peers.length} connected${lonely}, ${report.knownPeers} known${sourcesOf(report)}`])
  for (const peerId of report.discovery.lacking) rows.push(['', `${peerId} is to be kept and not reached`])
  for (const peer of peers) {
    rows.push(['', `${peer.peerId} ${singleLine(withoutPeerId(peer))}`])
    rows.push(['', `  ${describePeer(peer)}`])
  }
  rows.push(...eventRows(report, stream))
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}

/** Why the sync does not come on, and who was asked. */
function waitingRows({ sync: { waiting } }: NodeReport, stream: NodeJS.WriteStream): [string, string][] {
  if (waiting === undefined) return []
  const { cause, commit, sinceMs, explanation, asked } = waiting
  const title = styleText('red', `${cause}, for commit ${commit}, since ${new Date(sinceMs).toISOString()}`, { stream })
  const answers = asked.map(({ peerId, answer }): [string, string] => ['', `${peerId}: ${singleLine(answer)}`])
  return [['waits', title], ['', singleLine(explanation)], ...answers]
}

/** What happened last. */
function eventRows({ events }: NodeReport, stream: NodeJS.WriteStream): [string, string][] {
  return events.slice(-MOST_EVENTS).map(({ atMs, level, text }, at) => {
    const line = `${new Date(atMs).toISOString()} ${singleLine(text)}`
    const colour = level === 'error' ? 'red' : 'yellow'
    return [at === 0 ? 'events' : '', level === 'info' ? line : styleText(colour, line, { stream })]
  })
}

function sourcesOf({ discovery: { bySource } }: NodeReport): string {
  const named = Object.entries(bySource).filter(([, count]) => count > 0)
  return named.length === 0 ? '' : ` (${named.map(([source, count]) => `${source} ${count}`).join(', ')})`
}

/** A dialled address names the peer at its end once more. */
function withoutPeerId({ address, peerId }: PeerStatus): string {
  const end = `/p2p/${peerId}`
  return address.endsWith(end) ? address.slice(0, -end.length) : address
}

/** What there is to say of a peer, in a line. */
export function describePeer(peer: PeerStatus): string {
  const { direction, source, connectedMs, highestCommit, isProtected, score } = peer
  return [
    source === direction ? direction : `${direction}, ${source}`,
    highestCommit === undefined ? 'height unknown' : `at ${highestCommit}`,
    `for ${duration(connectedMs)}`,
    `${(score.bytesPerMinute / 1024).toFixed(1)} KiB/min`,
    ...(score.penalty >= 0.1 ? [`penalty ${score.penalty.toFixed(1)}`] : []),
    ...(isProtected ? ['kept'] : [])
  ].join(', ')
}

/** A time for people. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`
}
