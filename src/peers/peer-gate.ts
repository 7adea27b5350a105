import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { toError } from '../runtime/soma-error.ts'
import { type Ban, BanTable } from './ban-table.ts'
import { PeersError } from './peers-error.ts'

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
  /** Peer ids that always get in: no ban holds for them, they count for no subnet and are never evicted. @default none */
  allowlist?: Iterable<string>
  /** Whether nobody may dial us but the allowlist, and those protected as `configured`. @default false */
  onlyAllowlisted?: boolean
}

/** Why a peer that dialled us was refused. */
export type InboundRefusal = 'banned' | 'not-allowed' | 'subnet'

/** Who knows more of the peers than the gate does: the `peers` service. */
export interface GateGuard {
  /** Whether the operator configured a peer. */
  isConfigured(peerId: PeerId): boolean
  /** Whether a peer that dials us from an address may stay. */
  hasRoomFor(peerId: PeerId, address: Multiaddr): boolean
  onRefused(peerId: PeerId, refusal: InboundRefusal): void
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
  /** Whether a peer always gets in: it is in the allowlist, or the operator configured it. */
  isChosen(peerId: PeerId): boolean
  /** Hands the gate to the one whom it asks from now on. */
  guardBy(guard: GateGuard): void
  /** Every ban that has not ended, of chosen peers too, for whom none holds. */
  listBans(): Ban[]
  /** Reads the bans of the run before. The `peers` service calls it before it starts. */
  load(): Promise<void>
  /** Resolves when every ban so far is stored, or could not be. */
  flush(): Promise<void>
}

const RECORD_NAME = 'peers/bans'

/**
 * Makes a gate.
 *
 * @throws {PeersError} `ALLOWLIST_INVALID`
 */
export function createPeerGate(init: PeerGateInit = {}): PeerGate {
  const { clock = systemClock, records, onRecordFailed = (error) => process.emitWarning(error) } = init
  const bans = new BanTable(init.maxBans ?? 1_000)
  let saving: Promise<void> | undefined
  let changed = false
  const allowlist = new Set([...(init.allowlist ?? [])].map(canonical))
  let guard: GateGuard | undefined

  const isChosen = (peerId: PeerId): boolean => allowlist.has(peerId.toString()) || guard?.isConfigured(peerId) === true
  const isBanned = (peerId: PeerId): boolean => bans.has(peerId.toString(), clock.now()) && !isChosen(peerId)

  function refusal(peerId: PeerId, { remoteAddr }: MultiaddrConnection): InboundRefusal | undefined {
    if (isChosen(peerId)) return undefined
    if (isBanned(peerId)) return 'banned'
    if (init.onlyAllowlisted === true) return 'not-allowed'
    return guard?.hasRoomFor(peerId, remoteAddr) === false ? 'subnet' : undefined
  }

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
      denyInboundEncryptedConnection(peerId, connection) {
        const refused = refusal(peerId, connection)
        if (refused !== undefined) guard?.onRefused(peerId, refused)
        return refused !== undefined
      }
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
    isChosen,
    guardBy(next) {
      guard = next
    },
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

function canonical(text: string): string {
  try {
    return peerIdFromString(text).toString()
  } catch (cause) {
    throw new PeersError('ALLOWLIST_INVALID', `not a peer id: ${text}`, { cause })
  }
}
