import { styleText } from 'node:util'
import { peerIdFromString } from '@libp2p/peer-id'
import { Command, InvalidArgumentError } from 'commander'
import { singleLine } from '../../src/runtime/single-line.ts'
import { askNode } from './control-client.ts'
import { describePeer, duration, type Paint } from './format-report.ts'
import { jsonText } from './json-text.ts'
import { loadConfig } from './load-config.ts'
import type { PeersReport } from './peer-routes.ts'
import { peerLines, peersScreen } from './watch/peers-screen.ts'
import { runWatch } from './watch/run-watch.ts'

const help = `
Asks over the control socket in the data directory, which only the node's owner can use.

Examples:
  $ soma-p2p peers --data-dir full-node --watch
  $ soma-p2p ban 12D3KooW... --data-dir full-node --minutes 120 --reason "floods us"
  $ soma-p2p unban 12D3KooW... --data-dir full-node`

interface PeerFlags {
  dataDir?: string
  config?: string
  json: boolean
}

interface BanFlags extends PeerFlags {
  minutes?: number
  reason?: string
}

/** `peers`: lists connected and banned peers. */
export function peersCommand(): Command {
  return peerCommand('peers')
    .summary('list the peers of a running node, and whom it has banned')
    .description(
      'Lists whom a running node is connected to, what counts for and against each, and whom it refuses until when.'
    )
    .option('-w, --watch', 'ask each second: on a terminal in place, until Ctrl-C; into a pipe line by line', false)
    .action(async ({ watch, ...flags }: PeerFlags & { watch: boolean }) => {
      const look = async () => (await ask(flags, 'GET /peers')) as PeersReport
      if (watch) return await watchPeers(look, flags.json)
      const report = await look()
      console.log(flags.json ? jsonText(report, 2) : formatPeers(report, Date.now()))
    })
}

async function watchPeers(look: () => Promise<PeersReport>, json: boolean): Promise<void> {
  const paint: Paint = (format, text) => styleText(format, text, { stream: process.stdout })
  await runWatch({
    ask: look,
    screen: (report, size, now) => (json ? jsonText(report, 2).split('\n') : peersScreen(report, now, paint, size)),
    lines: (report, now) => (json ? [jsonText(report)] : peerLines(report, now))
  })
}

/** `ban`: refuses a peer for a while. */
export function banCommand(): Command {
  return peerCommand('ban')
    .summary('have a running node refuse a peer for a while')
    .description('Disconnects a peer and refuses it until the ban ends, over restarts of the node too.')
    .argument('<peer-id>', 'whom, such as 12D3KooW...', peerIdText)
    .option('--minutes <number>', 'how long (default: 60)', positive)
    .option('--reason <text>', 'why, for people')
    .action(async (peerId: string, { minutes, reason, ...flags }: BanFlags) => {
      const query = new URLSearchParams({
        peer: peerId,
        ...(minutes !== undefined && { ms: String(Math.round(minutes * 60_000)) }),
        ...(reason !== undefined && { reason })
      })
      const answer = await ask(flags, `POST /ban?${query}`)
      console.log(flags.json ? jsonText(answer, 2) : `${peerId} is banned`)
    })
}

/** `unban`: lifts a ban. */
export function unbanCommand(): Command {
  return peerCommand('unban')
    .summary('have a running node lift a ban')
    .description('Lifts the ban of a peer, and forgets what led to it.')
    .argument('<peer-id>', 'whom, such as 12D3KooW...', peerIdText)
    .action(async (peerId: string, flags: PeerFlags) => {
      const answer = (await ask(flags, `POST /unban?${new URLSearchParams({ peer: peerId })}`)) as { lifted: boolean }
      const text = answer.lifted ? `${peerId} is not banned any more` : `${peerId} was not banned`
      console.log(flags.json ? jsonText(answer, 2) : text)
    })
}

function peerCommand(name: string): Command {
  return new Command(name)
    .option('--data-dir <dir>', 'data directory of the node (default: soma-data)')
    .option('-c, --config <file>', 'configuration file of the node, for its data directory')
    .option('--json', 'print the answer as JSON', false)
    .addHelpText('after', help)
}

async function ask({ dataDir, config }: PeerFlags, route: string): Promise<unknown> {
  return await askNode(dataDir ?? (config === undefined ? 'soma-data' : (await loadConfig(config, {})).dataDir), route)
}

/** Peers and bans for people. @param now in milliseconds since the Unix epoch */
export function formatPeers({ peers, bans }: PeersReport, now: number): string {
  return [
    `${peers.length} connected`,
    ...peers.map((peer) => `  ${peer.peerId}  ${describePeer(peer)}`),
    `${bans.length} banned`,
    ...bans.map(
      ({ peerId, reason, untilMs }) =>
        `  ${peerId}  for ${duration(Math.max(0, untilMs - now))} more: ${singleLine(reason)}`
    )
  ].join('\n')
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('It should be a number above 0.')
  return value
}

function peerIdText(text: string): string {
  try {
    return peerIdFromString(text).toString()
  } catch {
    throw new InvalidArgumentError('It should be a peer id such as 12D3KooW...')
  }
}
