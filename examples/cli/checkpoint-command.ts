import { Command } from 'commander'
import { askNode } from './control-client.ts'
import { loadConfig } from './load-config.ts'
import { writeNewFile } from './new-file.ts'

const help = `
Another node begins at the checkpoint when its peers have pruned what lies before, and accepts nothing that conflicts with it: give it the file as
sync.checkpoint. It trusts the file, so pass it on by a way that nobody else can write to.

Examples:
  $ soma-p2p checkpoint --data-dir full-node
  $ soma-p2p checkpoint --config node.yaml --out checkpoint.json`

interface CheckpointFlags {
  dataDir?: string
  config?: string
  out?: string
}

/** `checkpoint`: asks a running node for the checkpoint that it stands at. */
export function checkpointCommand(): Command {
  return new Command('checkpoint')
    .summary('take a checkpoint of a running node, for others to begin at')
    .description('Prints the highest commit of a running node and the committee after it, as JSON.')
    .option('--data-dir <dir>', 'data directory of the node (default: soma-data)')
    .option('-c, --config <file>', 'configuration file of the node, for its data directory')
    .option('-o, --out <file>', 'where the checkpoint goes; never overwritten (default: printed)')
    .addHelpText('after', help)
    .action(async ({ dataDir, config, out }: CheckpointFlags) => {
      const directory = dataDir ?? (config === undefined ? 'soma-data' : (await loadConfig(config, {})).dataDir)
      const text = JSON.stringify(await askNode(directory, 'GET /checkpoint'), undefined, 2)
      if (out === undefined) console.log(text)
      else await writeNewFile(out, `${text}\n`)
    })
}
