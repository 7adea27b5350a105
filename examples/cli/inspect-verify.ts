import { toError } from '../../src/runtime/soma-error.ts'
import { StoreDamagedError, type VerifiedChain, verifyStore } from '../../src/state-sync/verify-store.ts'
import type { StoreSnapshot, ValueCheck } from '../../src/storage/store-snapshot.ts'
import { formatCount, formatMebibytes, formatNumber, formatSeconds } from '../devnet/format.ts'
import { UsageError } from './cli-error.ts'
import { type OfflineStore, withVerifier } from './offline-store.ts'
import { workProgress } from './work-progress.ts'

/** What a store that is whole was found to be. */
export interface VerifyReport {
  readonly ok: true
  readonly chain: VerifiedChain
  readonly values: ValueCheck
  readonly seconds: number
}

/**
 * Verifies a store, with progress on stderr: first that every value is what was written, then the chain.
 *
 * @throws {StoreDamagedError} with all that is known of the damage; `STORAGE_LOCKED` where a node has written to the store meanwhile; {@link UsageError} `USAGE`
 */
export async function verifyWholeStore(
  found: OfflineStore,
  snapshot: StoreSnapshot,
  { from, to, signal }: { from: number | undefined; to: number | undefined; signal: AbortSignal }
): Promise<{ report: VerifyReport; text: string }> {
  const begun = performance.now()
  const reading = workProgress('values', 'MiB')
  const verifying = workProgress('chain', 'commits')
  const damage: string[] = []
  try {
    const totalBytes = snapshot.bytes
    const values = await snapshot.checkValues({
      signal,
      onProgress: (_, bytes) => reading.show(mebibytes(Math.min(bytes, totalBytes)), mebibytes(totalBytes))
    })
    reading.show(mebibytes(totalBytes), mebibytes(totalBytes))
    reading.end()
    if (values.damagedEntries > 0) damage.push(describeValues(values))
    const { store } = snapshot
    const chain = await withVerifier(found, store, (blockVerifier) =>
      verifyStore({
        ...found,
        store,
        blockVerifier,
        handOver: found.config.sync.handOver,
        from,
        to,
        signal,
        onProgress: (at) => verifying.show(at.commit - at.from + 1, at.to - at.from + 1)
      })
    )
    await snapshot.refuseStale()
    verifying.end()
    if (damage.length > 0) throw new StoreDamagedError({ start: chain.from, end: chain.to }, damage.join('; '))
    const report: VerifyReport = { ok: true, chain, values, seconds: (performance.now() - begun) / 1_000 }
    return { report, text: describe(report) }
  } catch (thrown) {
    signal.throwIfAborted()
    if (thrown instanceof RangeError) throw new UsageError('USAGE', thrown.message, { cause: thrown })
    await snapshot.refuseStale()
    if (damage.length === 0 || !(thrown instanceof StoreDamagedError) || thrown.message === damage[0]) throw thrown
    throw new StoreDamagedError(thrown.commits, [...damage, thrown.message].join('; '), { cause: toError(thrown) })
  } finally {
    reading.end()
    verifying.end()
  }
}

function describe({ chain, values, seconds }: VerifyReport): string {
  const epochs = chain.handOvers === 0 ? '' : `, ${formatCount(chain.handOvers, 'end')} of epochs`
  return [
    `whole   ${chain.to < chain.from ? 'no commits yet' : `commits ${chain.from} to ${chain.to}`}: ${formatCount(chain.blocks, 'block')}, ${formatMebibytes(chain.bytes)} MiB${epochs}`,
    ...(chain.uncertified > 0
      ? [`        the last ${formatCount(chain.uncertified, 'commit')} without a quorum's votes so far`]
      : []),
    `values  ${formatNumber(values.entries)}, all as they were written`,
    `time    ${formatSeconds(seconds)}`
  ].join('\n')
}

function describeValues({ damaged, damagedEntries }: ValueCheck): string {
  const more = damagedEntries > damaged.length ? ` and ${damagedEntries - damaged.length} more` : ''
  const verb = damagedEntries === 1 ? 'is not what was' : 'are not what was'
  return `${damaged.join(', ')}${more} ${verb} written`
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 ** 2)
}
