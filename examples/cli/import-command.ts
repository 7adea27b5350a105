import { open } from 'node:fs/promises'
import { Command } from 'commander'
import { toError } from '../../src/runtime/soma-error.ts'
import { importChain } from '../../src/state-sync/import-chain.ts'
import { applyCheckpoint } from '../../src/state-sync/index.ts'
import { openLevelStore } from '../../src/storage/index.ts'
import { formatCount } from '../devnet/format.ts'
import { readCheckpointFile } from './checkpoint-file.ts'
import { UsageError } from './cli-error.ts'
import { onInterrupt } from './interrupt.ts'
import { makeDataDirectory } from './make-data-directory.ts'
import { findStore, refuseRunning, type StoreFlags, withStoreFlags, withVerifier } from './offline-store.ts'
import { workProgress } from './work-progress.ts'

const help = `
Everything in the file is verified as if a peer had served it, by the rules of the configuration (sync.verification, sync.handOver, sync.checkpoint, transactions).
What the store has already is passed over; an import that was interrupted goes on where it was. The node must not run.

Examples:
  $ soma-p2p import chain.soma --config node.yaml
  $ soma-p2p import chain.soma --genesis genesis.bin --data-dir full-node`

/** `import`: takes a range of the chain from a file. */
export function importCommand(): Command {
  return withStoreFlags(new Command('import'))
    .summary('take a range of the chain from a file, verified')
    .description(
      'Verifies the commits of a file that "soma-p2p export" wrote, and stores them for a node that does not run.'
    )
    .argument('<file>', 'the file to import')
    .addHelpText('after', help)
    .action(async (path: string, flags: StoreFlags) => {
      const found = await findStore(flags)
      const { config, genesis } = found
      await using file = await open(path).catch((cause: unknown) => {
        throw new UsageError('FILE_UNREADABLE', `cannot read ${path}: ${toError(cause).message}`, { cause })
      })
      const { checkpoint: checkpointPath, handOver } = config.sync
      const checkpoint = checkpointPath === undefined ? undefined : await readCheckpointFile(checkpointPath, genesis)
      await makeDataDirectory(config.dataDir)
      await refuseRunning(config.dataDir)
      const store = await openLevelStore(found.path, { genesis })
      const interrupt = onInterrupt()
      const reading = workProgress('check', 'MiB')
      const importing = workProgress('import', 'commits')
      try {
        if (checkpoint !== undefined) await applyCheckpoint(store, checkpoint)
        const { start, end, stored } = await withVerifier(found, store, (blockVerifier) =>
          importChain({
            genesis,
            store,
            blockVerifier,
            handOver,
            checkpoint,
            file,
            signal: interrupt.signal,
            onProgress(progress) {
              if (progress.step === 'check') reading.show(mebibytes(progress.bytes), mebibytes(progress.totalBytes))
              else {
                reading.end()
                importing.show(progress.commit - progress.start + 1, progress.end - progress.start + 1)
              }
            }
          })
        )
        importing.end()
        console.log(`file     commits ${start} to ${end}`)
        console.log(`stored   ${stored === 0 ? 'nothing new' : formatCount(stored, 'commit')}`)
        console.log(`synced   to commit ${store.watermarks.highestSynced.index}`)
      } finally {
        reading.end()
        importing.end()
        interrupt.release()
        await store.close()
      }
    })
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 ** 2)
}
