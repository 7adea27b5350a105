import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { toError } from '../runtime/soma-error.ts'
import { type Ban, BanTable } from './ban-table.ts'

/** Where bans are kept over a restart: a `CommitStore` is one. */
export interface RecordStore {
  getRecord(name: string): Promise<Uint8Array | undefined>
  setRecord(name: string, value: Uint8Array): Promise<void>
}

export interface PeerGateInit {
  /** @default the machine's */
  clock?: Clock
  /** Most bans at once, 1 to 4,000; beyond it the one that ends first is lifted. @default 1000 */
  maxBans?: number
  /** Where bans are kept over a restart. @default nowhere */
  records?: RecordStore
  /** Called when bans could not be read or written; the gate goes on with those in memory. @default a process warning */
  onRecordFailed?: (error: Error) => void
}

/**
 * Who may connect. It is made before libp2p, which asks its `connectionGater` at every connection, and is handed to the `peers` service, which decides.
 */
export interface PeerGate {
  /** For `createLibp2p({ connectionGater })`. */
  readonly connectionGater: ConnectionGater
  /** Refuses a peer for so many milliseconds. A ban that ends later stays. It does not disconnect: `Peers.report` does. */
  ban(peerId: PeerId, durationMs: number, reason: string): void
  /** Lifts a ban; false when there is none. */
  unban(peerId: PeerId): boolean
  isBanned(peerId: PeerId): boolean
  /** Every ban in force. */
  listBans(): Ban[]
  /** Reads the bans of the run before. The `peers` service calls it before it starts. */
  load(): Promise<void>
  /** Resolves when every ban so far is stored, or could not be. */
  flush(): Promise<void>
}

const RECORD_NAME = 'peers/bans'

/** Makes a gate. */
export function createPeerGate(init: PeerGateInit = {}): PeerGate {
  const { clock = systemClock, records, onRecordFailed = (error) => process.emitWarning(error) } = init
  const bans = new BanTable(init.maxBans ?? 1_000)
  let saving: Promise<void> | undefined
  let changed = false

  const isBanned = (peerId: PeerId): boolean => bans.has(peerId.toString(), clock.now())

  async function save(store: RecordStore): Promise<void> {
    while (changed) {
      changed = false
      try {
        await store.setRecord(RECORD_NAME, bans.encode(clock.now()))
      } catch (thrown) {
        onRecordFailed(toError(thrown))
      }
    }
    saving = undefined
  }

  function touch(): void {
    changed = true
    if (records !== undefined) saving ??= save(records)
  }

  return {
    connectionGater: {
      denyDialPeer: isBanned,
      // a dial by address alone learns who is there only now
      denyOutboundEncryptedConnection: isBanned,
      denyInboundEncryptedConnection: isBanned
    },
    ban(peerId, durationMs, reason) {
      const now = clock.now()
      bans.add({ peerId: peerId.toString(), untilMs: Math.ceil(now + durationMs), reason }, now)
      touch()
    },
    unban(peerId) {
      const lifted = bans.remove(peerId.toString())
      if (lifted) touch()
      return lifted
    },
    isBanned,
    listBans: () => bans.list(clock.now()),
    async load() {
      try {
        const record = await records?.getRecord(RECORD_NAME)
        if (record !== undefined) bans.decode(record, clock.now())
      } catch (thrown) {
        onRecordFailed(toError(thrown))
      }
    },
    flush: () => saving ?? Promise.resolve()
  }
}
