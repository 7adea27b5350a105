import { describeLeft, describeSpeed } from '../../../src/node/watch/progress-watch.ts'
import type { SyncRate } from '../../../src/node/watch/sync-rate.ts'
import { singleLine } from '../../../src/runtime/single-line.ts'
import { describePeer, duration, type Paint } from '../format-report.ts'
import type { NodeReport } from '../node-report.ts'
import { wrapText } from './fit-line.ts'
import { clockTime, type WindowSize } from './watch-node.ts'

const LABEL = 10
const BAR = 24
/** Columns from which on there is room for whole peer ids, and for what was said at length. */
const WIDE = 120
/** Where the text of an event begins. */
const INDENT = 11
/** Peers asked that are named, in a window that has room for them. */
const MOST_ASKED = 3

/** A node's status as a screen: what is wrong first, then who is there and what happened, as far as there is room. */
export function statusScreen(
  report: NodeReport,
  {
    rate,
    now,
    paint
  }: { readonly rate: Pick<SyncRate, 'speed' | 'secondsLeft'>; readonly now: number; readonly paint: Paint },
  { columns, rows }: WindowSize
): string[] {
  const row = (label: string, text: string) => `${paint('dim', label.padEnd(LABEL))}${text}`
  const { role, version, uptimeMs, epoch, executor, sync } = report
  const head = `${paint('bold', role === 'validator' ? 'validator' : 'full node')} ${version}, up ${duration(uptimeMs)}, epoch ${epoch}, process ${report.pid}`
  const lines = [`${head}  ${paint('dim', clockTime(now))}`, row('peer id', report.peerId)]
  if (report.page !== undefined) lines.push(row('page', report.page))
  lines.push('', ...heights(report, rate).map(([label, text]) => row(label, text)))
  if (executor !== undefined) {
    const behind = report.highestSynced.index - executor.highestExecuted
    const failure = executor.failure === undefined ? '' : `: ${paint('red', singleLine(executor.failure))}`
    lines.push(row('executed', `to commit ${executor.highestExecuted}, ${behind} to go${failure}`))
  }
  const busy = sync.stages.filter(({ queued }) => queued > 0)
  lines.push(row('stages', busy.map(({ name, queued }) => `${name} ${queued}`).join(', ') || 'idle'))
  lines.push(...healthTexts(report, paint).map((text, at) => row(at === 0 ? 'health' : '', text)))
  if (sync.waiting !== undefined) lines.push('', ...waitingLines(sync.waiting, { columns, now, paint }))
  return [...lines, '', ...rest(report, { columns, rows: Math.max(0, rows - lines.length - 1) }, paint)]
}

function healthTexts({ health, sync }: NodeReport, paint: Paint): string[] {
  const parts = Object.entries(health)
  const well = parts.flatMap(([part, { state }]) => (state === 'ok' ? part : []))
  // what the sync waits for says the same as its health, and more
  const ill = parts.filter(
    ([part, { state }]) => state !== 'ok' && !(part === 'state-sync' && sync.waiting !== undefined)
  )
  return [
    ...(well.length === 0 ? [] : [`${paint('green', 'ok')} ${well.join(', ')}`]),
    ...ill.map(([part, { state, reason = '' }]) => {
      return `${paint(state === 'failed' ? 'red' : 'yellow', state)} ${part}: ${singleLine(reason)}`
    })
  ]
}

function heights(
  report: NodeReport,
  { speed, secondsLeft }: Pick<SyncRate, 'speed' | 'secondsLeft'>
): [string, string][] {
  const { highestSynced, bytesInFlight, rangesInFlight, sync } = report
  const { index } = highestSynced
  const highest = Math.max(report.highestKnown, index)
  const share = highest === 0 ? 1 : index / highest
  const bar = '█'.repeat(Math.round(share * BAR)).padEnd(BAR, '░')
  const isBehind = highest - index > 5
  const isValidating = report.role === 'validator' && index > 0
  const eta = isBehind && sync.waiting === undefined ? `, ${describeLeft(secondsLeft)}` : ''
  return [
    [
      'synced',
      report.highestKnown === 0 && !isValidating
        ? `to commit ${index}; nobody has said how far the chain is`
        : `${bar} commit ${index} of ${highest}, ${(100 * share).toFixed(1)} %`
    ],
    ['speed', `${describeSpeed(speed)}${eta}`],
    ['in flight', `${rangesInFlight} ranges, ${(bytesInFlight / 1024 ** 2).toFixed(1)} MiB`]
  ]
}

/** Why the sync does not come on. */
function waitingLines(
  { cause, commit, sinceMs, explanation, asked }: NonNullable<NodeReport['sync']['waiting']>,
  { columns, now, paint }: { readonly columns: number; readonly now: number; readonly paint: Paint }
): string[] {
  const title = `waits for commit ${commit} for ${duration(Math.max(0, now - sinceMs))}: ${cause}`
  const why = wrapText(singleLine(explanation), Math.max(20, columns - 2)).map((line) => `  ${line}`)
  const answers = asked
    .slice(-MOST_ASKED)
    .flatMap(({ peerId, atMs, answer }) =>
      wrapText(`${clockTime(atMs)} ${shortId(peerId)} ${singleLine(answer)}`, Math.max(20, columns - 4))
    )
    .map((line, at) => `${at === 0 || /^\d\d:/.test(line) ? '  ' : '    '}${line}`)
  return [paint('red', title), ...why, ...answers]
}

/** Peers and events share the room that is left: neither takes the other's. */
function rest(
  { peers, knownPeers, discovery, events }: NodeReport,
  { columns, rows: room }: WindowSize,
  paint: Paint
): string[] {
  const isWide = columns >= WIDE
  const lonely = discovery.isIsolated ? ' and looking for more' : ''
  const peerLines = peers.map((peer) => `  ${isWide ? peer.peerId : shortId(peer.peerId)} ${describePeer(peer)}`)
  const eventLines = events.toReversed().flatMap(({ atMs, level, text }) => {
    const colour = level === 'error' ? 'red' : level === 'warn' ? 'yellow' : 'reset'
    const [first = '', ...more] = isWide ? wrapText(singleLine(text), columns - INDENT) : [singleLine(text)]
    return [
      `  ${clockTime(atMs)} ${paint(colour, first)}`,
      ...more.map((line) => `${' '.repeat(INDENT)}${paint(colour, line)}`)
    ]
  })
  const left = Math.max(0, room - 3) // two headings and a gap
  const half = Math.floor(left / 2)
  const forPeers = Math.min(peerLines.length, Math.max(half, left - eventLines.length))
  return [
    paint('bold', `peers   ${peers.length} connected${lonely}, ${knownPeers} known`),
    ...cut(peerLines, forPeers),
    '',
    paint('bold', 'events'),
    ...eventLines.slice(0, Math.max(0, left - forPeers))
  ].slice(0, room)
}

function cut(lines: string[], room: number): string[] {
  return lines.length <= room
    ? lines
    : [...lines.slice(0, Math.max(0, room - 1)), `  and ${lines.length - room + 1} more`]
}

/** The end of a peer id tells peers apart: they all begin alike. */
export function shortId(peerId: string): string {
  return peerId.length <= 13 ? peerId : `…${peerId.slice(-12)}`
}
