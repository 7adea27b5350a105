import { Command } from 'commander'
import { StoreDamagedError } from '../../src/state-sync/verify-store.ts'
import { formatBlocks, formatCommit, formatStore } from './format-inspection.ts'
import { blockReports, commitReport, storeReport } from './inspect-reports.ts'
import { verifyWholeStore } from './inspect-verify.ts'
import { jsonText } from './json-text.ts'
import { findStore, type StoreFlags, withSnapshot, withStoreFlags } from './offline-store.ts'
import { wholeNumber } from './whole-number.ts'

const help = `
Looks into the data directory of a node that does not run. Not one byte of it changes.

Examples:
  $ soma-p2p inspect store --config node.yaml
  $ soma-p2p inspect commit 1234 --config node.yaml --json
  $ soma-p2p inspect block 0/17/3 --genesis genesis.bin --data-dir full-node
  $ soma-p2p inspect verify --config node.yaml --from 1000`

interface InspectFlags extends StoreFlags {
  json: boolean
}

interface VerifyFlags extends InspectFlags {
  from?: number
  to?: number
}

/** `inspect`: looks into the store of a node that does not run. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .summary('look into the store of a node that does not run')
    .description('Shows a commit, a block or the whole store of a node that does not run, or verifies all of it anew.')
    .addCommand(commitCommand())
    .addCommand(blockCommand())
    .addCommand(storeCommand())
    .addCommand(verifyCommand())
    .addHelpText('after', help)
}

function commitCommand(): Command {
  return inspection('commit', ['commit 1234 --config node.yaml', 'commit 40a2...9196 --config node.yaml --json'])
    .summary('show a commit')
    .description('Shows a commit, its blocks and what certifies it.')
    .argument('<commit>', 'its index, or its digest in hexadecimal')
    .action(async (which: string, flags: InspectFlags) => {
      const report = await withSnapshot(await findStore(flags), (snapshot) => commitReport(snapshot, which))
      console.log(flags.json ? jsonText(report, 2) : formatCommit(report))
    })
}

function blockCommand(): Command {
  return inspection('block', ['block 0/17/3 --config node.yaml', 'block cf2e6f43 --config node.yaml --json'])
    .summary('show a block')
    .description('Shows a block, what it builds on and votes for, and the commit that holds it.')
    .argument('<block>', 'EPOCH/ROUND/AUTHOR, or its digest in hexadecimal, eight digits at least')
    .action(async (which: string, flags: InspectFlags) => {
      const reports = await withSnapshot(await findStore(flags), (snapshot, signal) =>
        blockReports(snapshot, which, signal)
      )
      console.log(flags.json ? jsonText(reports, 2) : formatBlocks(reports))
    })
}

function storeCommand(): Command {
  return inspection('store', ['store --config node.yaml', 'store --genesis genesis.bin --data-dir full-node --json'])
    .summary('show how far a store is, its epochs, bans, cursors and size')
    .description(
      'Shows how far a store is, its epochs and committees, cursors, bans, size, and why its sync halted if it did.'
    )
    .action(async (flags: InspectFlags) => {
      const found = await findStore(flags)
      const now = Date.now()
      const report = await withSnapshot(found, (snapshot) => storeReport(snapshot, found.path, now))
      console.log(flags.json ? jsonText(report, 2) : formatStore(report, now, process.stdout))
    })
}

function verifyCommand(): Command {
  return inspection('verify', ['verify --config node.yaml', 'verify --config node.yaml --from 1000 --to 2000'])
    .summary('verify a whole store anew')
    .description(
      'Verifies a store as if a peer had served it: the checksum of every value, the chain, the votes of quorums, every block and its signature, the ends of epochs.'
    )
    .option('--from <commit>', 'the first commit (default: the lowest available)', wholeNumber(1))
    .option('--to <commit>', 'the last commit (default: the highest synced)', wholeNumber(1))
    .addHelpText('after', '\nExit code 3 says that something is damaged; what it is, and the next step, is on stderr.')
    .action(async ({ from, to, ...flags }: VerifyFlags) => {
      const found = await findStore(flags)
      try {
        const { text, report } = await withSnapshot(found, (snapshot, signal) =>
          verifyWholeStore(found, snapshot, { from, to, signal })
        )
        console.log(flags.json ? jsonText(report, 2) : text)
      } catch (thrown) {
        if (flags.json && thrown instanceof StoreDamagedError)
          console.log(jsonText({ ok: false, code: thrown.code, message: thrown.message }, 2))
        throw thrown
      }
    })
}

function inspection(name: string, examples: readonly string[]): Command {
  return withStoreFlags(new Command(name))
    .option('--json', 'print everything as JSON', false)
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ soma-p2p inspect ${example}`).join('\n')}`)
}
