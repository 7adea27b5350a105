import { Command, Option } from 'commander'
import { toHex } from '../../src/runtime/hex.ts'
import { Interrupted } from './cli-error.ts'
import { LOG_LEVELS } from './config-schema.ts'
import { consoleLog } from './console-log.ts'
import { onInterrupt } from './interrupt.ts'
import { type ConfigFlags, loadConfig } from './load-config.ts'

const help = `
A key of the configuration is everywhere called the same; README.md has them all. Flags go over the file. Without --key the
node makes itself a network key in its data directory, and is a full node; the key of a validator makes it that validator.

A scripted consensus stands in for a real one where all validators' keys are at hand: it makes a chain for a node to serve.
Ctrl-C stops the node cleanly; a second Ctrl-C, at once. The log goes to stderr, readable on a terminal and JSON elsewhere.

Examples:
  $ soma-p2p node --config node.yaml
  $ soma-p2p node --config node.yaml --log-level debug --listen /ip4/0.0.0.0/tcp/9000
  $ soma-p2p node --genesis genesis.bin --seed /ip4/127.0.0.1/tcp/9000/p2p/12D3Koo...`

interface NodeFlags {
  config?: string
  genesis?: string
  key?: string
  dataDir?: string
  listen?: string[]
  announce?: string[]
  seed?: string[]
  peer?: string[]
  http?: string
  consensus?: string
  logLevel?: string
}

/** `node`: runs one validator or full node. */
export function nodeCommand(): Command {
  return new Command('node')
    .summary('run one validator or full node')
    .description('Runs one validator or full node, from a YAML or JSON configuration file, from flags, or both.')
    .option('-c, --config <file>', 'configuration file')
    .option('--genesis <file>', 'genesis file of the chain')
    .option('--key <file>', 'key file (default: network-key.json in the data directory, made at the first start)')
    .option('--data-dir <dir>', 'where the node keeps everything (default: soma-data)')
    .option('--listen <address...>', 'multiaddrs to listen on (default: /ip4/127.0.0.1/tcp/0)')
    .option('--announce <address...>', 'multiaddrs to announce (default: those listened on)')
    .option('--seed <address...>', 'multiaddrs, with peer ids, of nodes to begin with')
    .option('--peer <address...>', 'multiaddrs, with peer ids, of nodes to be connected to always')
    .option('--http <address>', 'address and port of the status page, or off (default: 127.0.0.1:0, a free port)')
    .addOption(new Option('--consensus <kind>', 'what hands in commits (default: none)').choices(['none', 'scripted']))
    .addOption(new Option('--log-level <level>', 'how much to log (default: info)').choices(LOG_LEVELS))
    .addHelpText('after', help)
    .action(async (flags: NodeFlags) => {
      const { config: file, seed: seeds, peer: peers, http, logLevel, ...rest } = flags
      const given: ConfigFlags = {
        ...rest,
        seeds,
        peers,
        ...(http !== undefined && { http: { listen: http } }),
        ...(logLevel !== undefined && { log: { level: logLevel } })
      }
      const config = await loadConfig(file, given)
      // libp2p takes most of a second to load: --help and mistakes do not wait for it.
      const { runNode } = await import('./run-node.ts')
      const interrupt = onInterrupt()
      try {
        await runNode({
          config,
          log: consoleLog(config.log.level),
          signal: interrupt.signal,
          onStarted(node, page) {
            console.log(`chain id  ${toHex(node.genesis.chainId)}`)
            console.log(`peer id   ${node.peerId}`)
            for (const address of node.addresses()) console.log(`address   ${address}`)
            if (page !== undefined) console.log(`page      ${page}`)
          }
        })
      } finally {
        interrupt.release()
      }
      // SIGTERM is how a service is asked to stop, and it has; Ctrl-C has an exit code of its own.
      const { reason } = interrupt.signal
      if (reason instanceof Interrupted && reason.signal === 'SIGINT') throw reason
    })
}
