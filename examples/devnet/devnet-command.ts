import { Command, InvalidArgumentError } from 'commander'
import { parseListenAddress } from '../../src/operator/listen-address.ts'
import { onInterrupt } from '../cli/interrupt.ts'
import type { ChainSettings } from './chain-settings.ts'
import { DevnetError } from './devnet-error.ts'
import { checkTogether } from './devnet-options.ts'
import { progressView } from './progress-view.ts'
import { runDevnet } from './run-devnet.ts'
import { isOk, problems, summaryJson, summaryText } from './summary.ts'

const help = `
A process for each node, on the loopback. The validators hold a chain and go on making it; then the full nodes start with an empty store
and the address of one validator, catch up and follow. In the end all nodes must hold the same commits and the same state.

The chain follows from --seed, --validators, --commits, --transactions, --transaction-bytes and --epoch-commits alone. With --data-dir it is kept,
with the stores of all nodes, and a later run goes on where the last one ended, whether it ended by itself or was interrupted.

With --epoch-commits the validators change: in turn one sits out an epoch, which it follows like a full node, and comes back; voting powers move. Blocks
then hold transfers that a quorum certified, which all nodes verify and execute, and each epoch hands over the state that they agree on.

Examples:
  $ soma-p2p devnet --commits 5000 --json
  $ soma-p2p devnet --full-nodes 3 --round-ms 50 --follow 60
  $ soma-p2p devnet --epoch-commits 200
  $ soma-p2p devnet --follow 3600    to look at the page, which is there as long as the network runs
  $ soma-p2p devnet --link-mbit 20 --commits 5000 --data-dir devnet    a catch-up to be watched; Ctrl-C, and again to go on

With --json the last line on stdout is one object:
  {"ok", "chain": {"commits", "epochs", "blocks", "bytes"},
   "catchUp": {"seconds", "commitsPerSecond", "blocksPerSecond", "mebibytesPerSecond"},
   "live": {"commits", "latencyMs": {"p50", "p99"}},
   "nodes": [{"name", "role", "peerId", "epoch", "highestSynced", "lowestAvailable", "highestExecuted", "commitDigest",
              "stateDigest", "connections"}]}
"chain" is what the validators began with, "epoch" that in which a node goes on, "catchUp" that of the slowest full node, latency is from the first validator's consensus to
the full nodes' executors, digests are of the highest commit that all nodes have,
"connections" are the peers that a node is connected to. When it fails before there is anything to say: {"ok": false}.

Exit codes: 0 all nodes are equal, 1 they differ or something failed, 2 a mistake in flags, 130 interrupted with Ctrl-C.`

interface Flags extends Omit<ChainSettings, 'epochCommits' | 'transactions'> {
  epochCommits: number | undefined
  transactions: number | undefined
  fullNodes: number
  follow: number
  roundMs: number
  linkMbit: number | undefined
  http: string
  dataDir: string | undefined
  json: boolean
}

const chainFlags = ['seed', 'validators', 'commits', 'transactions', 'transactionBytes', 'epochCommits'] as const

/** `devnet`: runs a whole network, a process for each node, and checks that all nodes end equal. */
export function devnetCommand(): Command {
  return new Command('devnet')
    .summary('run a whole network, a process for each node')
    .description(
      'Runs a network of real processes: validators making a chain, and full nodes that catch up and follow live.'
    )
    .option('--validators <n>', 'validators', wholeNumber(1, 100), 4)
    .option('--full-nodes <n>', 'full nodes', wholeNumber(0, 100), 1)
    .option('--commits <n>', 'commits that are there before the full nodes start', wholeNumber(1, 100_000_000), 1_000)
    .option('--transactions <n>', 'transactions of a block (default: 10, or 3 transfers)', wholeNumber(0, 65_536))
    .option('--transaction-bytes <n>', 'bytes of a transaction', wholeNumber(0, 2 * 1024 * 1024), 400)
    .option(
      '--epoch-commits <n>',
      'commits of an epoch (default: one epoch without an end, of opaque transactions)',
      wholeNumber(1, 100_000_000)
    )
    .option('--follow <seconds>', 'how long to follow live', number(0, 1_000_000), 5)
    .option('--round-ms <n>', 'milliseconds between rounds', wholeNumber(1, 600_000), 250)
    .option(
      '--link-mbit <n>',
      "megabits a second of each node's link (default: as fast as the machine)",
      number(0.01, 100_000)
    )
    .option(
      '--http <address>',
      'address and port of the page of the whole network, or off',
      listenAddress,
      '127.0.0.1:0'
    )
    .option('--data-dir <dir>', 'where chain and stores are kept (default: a temporary directory, removed in the end)')
    .option(
      '--seed <n>',
      'what keys, transactions and the shape of the chain follow from',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      1
    )
    .option('--json', 'end with one line of JSON on stdout; all else goes to stderr', false)
    .addHelpText('after', help)
    .action(async (flags: Flags, command: Command) => {
      const { fullNodes, follow, roundMs, linkMbit, http, dataDir, json, ...chosen } = flags
      const chain = settingsOf(chosen)
      const asked = new Set(chainFlags.filter((name) => command.getOptionValueSource(name) === 'cli'))
      checkTogether({ chain, asked })
      const view = progressView(json ? process.stderr : process.stdout)
      const interrupt = onInterrupt()
      interrupt.signal.addEventListener('abort', () => {
        view.settle()
        console.error('stopping… (Ctrl-C again ends it at once)')
      })
      let printed = false
      try {
        const options = { chain, asked, fullNodes, follow, roundMs, linkMbit, http, dataDir }
        const result = await runDevnet(options, { signal: interrupt.signal, view })
        view.say(`\n${summaryText(result)}`)
        if (json) console.log(JSON.stringify(summaryJson(result)))
        printed = true
        if (!isOk(result)) throw new DevnetError('DEVNET_DIFFERENCES', problems(result).join('; '))
      } finally {
        if (json && !printed) console.log('{"ok":false}')
        interrupt.release()
      }
    })
}

/** A certificate costs a hundred times what a transaction of random bytes does, and every validator's stand-in for consensus makes all of them. */
function settingsOf({
  epochCommits,
  transactions = epochCommits === undefined ? 10 : 3,
  ...settings
}: Pick<Flags, keyof ChainSettings>): ChainSettings {
  return { ...settings, transactions, ...(epochCommits !== undefined && { epochCommits }) }
}

function listenAddress(text: string): string {
  try {
    if (text !== 'off') parseListenAddress(text)
    return text
  } catch {
    throw new InvalidArgumentError('It should be an address and a port such as 127.0.0.1:9100, or off.')
  }
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(
      `It should be a whole number from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''}.`
    )
  }
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It should be a number from ${least} to ${most}.`)
  }
}
