import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { access, rename, rm } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { Command } from 'commander'
import { toError } from '../../src/runtime/soma-error.ts'
import { exportChain } from '../../src/state-sync/export-chain.ts'
import { formatMebibytes } from '../devnet/format.ts'
import { UsageError } from './cli-error.ts'
import { findStore, type StoreFlags, withSnapshot, withStoreFlags } from './offline-store.ts'
import { wholeNumber } from './whole-number.ts'
import { workProgress } from './work-progress.ts'

const help = `
The file holds the commits with their blocks and what certifies them: whoever imports it trusts nothing of it. The node must not run. The file ends with
the highest commit up to --to that the store can prove; it appears under its name when it is whole.

Examples:
  $ soma-p2p export --config node.yaml --out chain.soma
  $ soma-p2p export --genesis genesis.bin --data-dir full-node --from 1 --to 100000 --out first.soma`

interface ExportFlags extends StoreFlags {
  from?: number
  to?: number
  out: string
}

/** `export`: writes a range of the chain as a file. */
export function exportCommand(): Command {
  return withStoreFlags(new Command('export'))
    .summary('write a range of the chain as a file')
    .description(
      'Writes a range of commits, with blocks and certificates, from the store of a node that does not run into a file.'
    )
    .option('--from <commit>', 'the first commit (default: the lowest available)', wholeNumber(1))
    .option('--to <commit>', 'the last commit (default: the highest that the store can prove)', wholeNumber(1))
    .requiredOption('-o, --out <file>', 'where the chain goes; never overwritten')
    .addHelpText('after', help)
    .action(async ({ from, to, out, ...flags }: ExportFlags) => {
      await refuseExisting(out)
      const found = await findStore(flags)
      const progress = workProgress('export', 'commits')
      try {
        const written = await withSnapshot(found, (snapshot, signal) =>
          writeWhole(out, (stream) =>
            exportChain({
              genesis: found.genesis,
              store: snapshot.store,
              from,
              to,
              out: stream,
              signal,
              onProgress: ({ commit, start, end }) => progress.show(commit - start + 1, end - start + 1)
            }).catch(async (thrown) => {
              await snapshot.refuseStale()
              throw thrown
            })
          )
        )
        progress.end()
        console.log(`commits  ${written.start} to ${written.end}`)
        console.log(`file     ${out}, ${formatMebibytes(written.bytes)} MiB`)
      } finally {
        progress.end()
      }
    })
}

async function refuseExisting(path: string): Promise<void> {
  const exists = await access(path).then(
    () => true,
    () => false // whatever else is wrong with the path, writing will say
  )
  if (exists) throw new UsageError('FILE_EXISTS', `${path} is there already`)
}

/** Writes a file under a temporary name beside its own, which it gets when it is whole and on the disk. */
async function writeWhole<T>(path: string, write: (stream: Writable) => Promise<T>): Promise<T> {
  const partial = `${path}.partial-${process.pid}`
  const stream = createWriteStream(partial, { flags: 'wx', flush: true })
  stream.on('error', () => undefined) // whoever waits for it is told
  try {
    await once(stream, 'open')
    const result = await write(stream)
    await finished(stream.end())
    await refuseExisting(path)
    await rename(partial, path)
    return result
  } catch (thrown) {
    stream.destroy()
    await rm(partial, { force: true })
    const error = toError(thrown)
    if ('syscall' in error)
      throw new UsageError('FILE_UNWRITABLE', `cannot write ${path}: ${error.message}`, { cause: error })
    throw error
  }
}
