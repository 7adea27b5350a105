import { quietLogger } from '../../src/node/quiet-logger.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { HealthRegistry } from '../../src/runtime/health.ts'
import { EpochGate, type EpochGateInit } from '../../src/state-sync/epoch-gate.ts'
import { HandOvers, type HandOversInit } from '../../src/state-sync/hand-overs.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'

/** What judges the hand-overs of a store's chain, without an executing node and a checkpoint. */
export function handOversOf(store: CommitStore, epochs: EpochGate, init: Partial<HandOversInit> = {}): HandOvers {
  return new HandOvers({ store, epochs, clock: systemClock, log: quietLogger().forComponent('test'), ...init })
}

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
