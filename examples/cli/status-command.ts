import { Command } from 'commander'
import { askNode } from './control-client.ts'
import { formatReport } from './format-report.ts'
import { loadConfig } from './load-config.ts'
import type { NodeReport } from './node-report.ts'

const help = `
Asks over the control socket in the data directory, which only the node's owner can use.

Examples:
  $ soma-p2p status --data-dir full-node
  $ soma-p2p status --config node.yaml --json`

interface StatusFlags {
  dataDir?: string
  config?: string
  json: boolean
}

/** `status`: asks a running node where it stands. */
export function statusCommand(): Command {
  return new Command('status')
    .summary('ask a running node where it stands')
    .description('Asks a running node how far it is, who its peers are and how each of its parts does.')
    .option('--data-dir <dir>', 'data directory of the node (default: soma-data)')
    .option('-c, --config <file>', 'configuration file of the node, for its data directory')
    .option('--json', 'print the whole status as JSON', false)
    .addHelpText('after', help)
    .action(async ({ dataDir, config, json }: StatusFlags) => {
      const directory = dataDir ?? (config === undefined ? 'soma-data' : (await loadConfig(config, {})).dataDir)
      const report = (await askNode(directory, 'GET /status')) as NodeReport
      console.log(json ? JSON.stringify(report, undefined, 2) : formatReport(report, process.stdout))
    })
}
