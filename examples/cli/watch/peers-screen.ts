import { singleLine } from '../../../src/runtime/single-line.ts'
import { describePeer, duration, type Paint } from '../format-report.ts'
import type { PeersReport } from '../peer-routes.ts'
import { shortId } from './status-screen.ts'
import { clockTime, type WindowSize } from './watch-node.ts'

type Peer = PeersReport['peers'][number]
type Column = readonly [title: string, cell: (peer: Peer) => string, isNumber: boolean]

/** From left to right as they are wanted: a narrow window loses the last. */
const COLUMNS: readonly Column[] = [
  ['peer', ({ peerId }) => shortId(peerId), false],
  ['height', ({ highestCommit }) => String(highestCommit ?? '?'), true],
  ['from', ({ lowestCommit }) => String(lowestCommit ?? '?'), true],
  ['KiB/min', ({ score }) => (score.bytesPerMinute / 1024).toFixed(1), true],
  ['penalty', ({ score }) => score.penalty.toFixed(1), true],
  ['age', ({ connectedMs }) => duration(connectedMs), true],
  ['dialled', ({ direction }) => (direction === 'outbound' ? 'by us' : 'us'), false],
  ['source', ({ source }) => source, false],
  ['kept', ({ isProtected }) => (isProtected ? 'yes' : ''), false],
  ['address', ({ address, peerId }) => address.replace(`/p2p/${peerId}`, ''), false]
]

/** Peers and bans as a screen, whoever delivers most first. */
export function peersScreen({ peers, bans }: PeersReport, now: number, paint: Paint, { rows }: WindowSize): string[] {
  const inbound = peers.filter(({ direction }) => direction === 'inbound').length
  const head = `${peers.length} connected, ${inbound} of them dialled us; ${bans.length} banned`
  const sorted = peers.toSorted((a, b) => b.score.bytesPerMinute - a.score.bytesPerMinute)
  const cells = sorted.map((peer) => COLUMNS.map(([, cell]) => singleLine(cell(peer))))
  const widths = COLUMNS.map(([title], at) => Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => (COLUMNS[at]?.[2] === true ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
  const banLines = bans.map(({ peerId, reason, untilMs }) => {
    return `${shortId(peerId)}  for ${duration(Math.max(0, untilMs - now))} more: ${singleLine(reason)}`
  })
  // three lines are around the peers, and three around the bans, which get what peers leave, and a third at least
  const forBans = banLines.length === 0 ? 0 : Math.max(Math.floor(rows / 3), rows - 3 - cells.length)
  const room = Math.max(1, rows - 3 - forBans)
  const shown = cells.slice(0, cells.length > room ? room - 1 : room)
  return [
    `${paint('bold', head)}  ${paint('dim', clockTime(now))}`,
    '',
    paint('dim', line(COLUMNS.map(([title]) => title))),
    ...shown.map(line),
    ...(shown.length < cells.length ? [`and ${cells.length - shown.length} more`] : []),
    ...(banLines.length === 0 ? [] : ['', paint('bold', 'banned'), ...banLines])
  ].slice(0, rows)
}

/** Peers as lines for a file, each with its time. */
export function peerLines({ peers, bans }: PeersReport, now: number): string[] {
  const time = new Date(now).toISOString()
  return [
    `${time} ${peers.length} connected, ${bans.length} banned`,
    ...peers.map((peer) => `${time} ${peer.peerId} ${describePeer(peer)}`)
  ]
}
