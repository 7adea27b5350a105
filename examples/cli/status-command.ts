import { styleText } from 'node:util'
import { Command } from 'commander'
import { SyncRate } from '../../src/node/watch/sync-rate.ts'
import { askNode } from './control-client.ts'
import { formatReport, type Paint } from './format-report.ts'
import { jsonText } from './json-text.ts'
import { loadConfig } from './load-config.ts'
import type { NodeReport } from './node-report.ts'
import { runWatch } from './watch/run-watch.ts'
import { statusLine } from './watch/status-line.ts'
import { statusScreen } from './watch/status-screen.ts'

const help = `
Asks over the control socket in the data directory, which only the node's owner can use.

With --watch it asks each second: on a terminal in place, until Ctrl-C; into a pipe a line each time, with --json an object.

Examples:
  $ soma-p2p status --data-dir full-node
  $ soma-p2p status --data-dir full-node --watch
  $ soma-p2p status --config node.yaml --json`

interface StatusFlags {
  dataDir?: string
  config?: string
  json: boolean
  watch: boolean
}

/** `status`: asks a running node where it stands. */
export function statusCommand(): Command {
  return new Command('status')
    .summary('ask a running node where it stands')
    .description('Asks a running node how far it is, who its peers are and how each of its parts does.')
    .option('--data-dir <dir>', 'data directory of the node (default: soma-data)')
    .option('-c, --config <file>', 'configuration file of the node, for its data directory')
    .option('--json', 'print the whole status as JSON', false)
    .option('-w, --watch', 'ask each second', false)
    .addHelpText('after', help)
    .action(async ({ dataDir, config, json, watch }: StatusFlags) => {
      const directory = dataDir ?? (config === undefined ? 'soma-data' : (await loadConfig(config, {})).dataDir)
      const ask = async () => (await askNode(directory, 'GET /status')) as NodeReport
      if (watch) return await watchStatus(ask, json)
      const report = await ask()
      console.log(json ? jsonText(report, 2) : formatReport(report, process.stdout))
    })
}

/** Milliseconds that a speed is taken over on a screen. */
const SPEED_MS = 10_000

async function watchStatus(ask: () => Promise<NodeReport>, json: boolean): Promise<void> {
  const rate = new SyncRate(SPEED_MS)
  const paint: Paint = (format, text) => styleText(format, text, { stream: process.stdout })
  await runWatch({
    ask,
    see: ({ synced, highestKnown, highestSynced }: NodeReport, at) =>
      rate.add({ ...synced, commits: highestSynced.index }, at, Math.max(0, highestKnown - highestSynced.index)),
    screen: (report, size, now) =>
      json ? jsonText(report, 2).split('\n') : statusScreen(report, { rate, now, paint }, size),
    lines: (report, now) => [json ? jsonText(report) : statusLine(report, rate, now)]
  })
}
