import { quietLogger } from '../../src/node/quiet-logger.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { HealthRegistry } from '../../src/runtime/health.ts'
import { EpochGate, type EpochGateInit } from '../../src/state-sync/epoch-gate.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'

/** A gate on a store, still to be opened. */
export function epochsOf(store: CommitStore, init: Partial<EpochGateInit> = {}): EpochGate {
  return new EpochGate({
    store,
    mode: 'proof',
    health: new HealthRegistry(),
    clock: systemClock,
    log: quietLogger().forComponent('test'),
    onEpoch: () => {},
    ...init
  })
}
