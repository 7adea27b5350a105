import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { type Random, systemRandom } from '../runtime/random.ts'
import { toError } from '../runtime/soma-error.ts'
import { readAllowlist } from './allowlist.ts'
import { BANS_RECORD, type Ban, BanTable } from './ban-table.ts'
import { Handshakes } from './handshakes.ts'
import { subnetOf } from './subnet.ts'

/** Where bans are kept over a restart: a `CommitStore` is one. */
export interface RecordStore {
  getRecord(name: string): Promise<Uint8Array | undefined>
  setRecord(name: string, value: Uint8Array): Promise<void>
}

/** What a gate is made from. Nothing of it is required. */
export interface PeerGateInit {
  /** @default the machine's */
  clock?: Clock
  /** Most bans at once, 1 to 4,000; beyond it the one that ends first is lifted. @default 1000 */
  maxBans?: number
  /** Where bans are kept over a restart. @default nowhere */
  records?: RecordStore
  /** Called when bans could not be read or written; the gate goes on with those in memory. @default a process warning */
  onRecordFailed?: (error: Error) => void
  /**
   * Who always gets in: no ban holds for them, they count for no subnet and are never evicted. Each is a peer id, or an IP address with the peer id at its end,
   * as in `/ip4/192.0.2.7/p2p/12D3KooW...`: from there it gets in however many connections the host begins. @default none
   */
  allowlist?: Iterable<string>
  /** Whether nobody may dial us but the allowlist, and those protected as `configured`. @default false */
  onlyAllowlisted?: boolean
  /**
   * Most inbound connections in the middle of their handshake, at least 1. Beyond it the newcomer gets in, and one of a subnet that has most of them has to go. libp2p's own
   * `connectionManager.maxIncomingPendingConnections` has to be higher. @default 100
   */
  maxHandshakes?: number
  /**
   * Connections that one host may begin a second: above 0. libp2p's own `connectionManager.inboundConnectionThreshold` has to be higher.
   * @default Infinity: no limit but libp2p's own
   */
  handshakesPerSecond?: number
  /** Whether a host may begin as many as it likes, as one may that the operator or the chain has named. @default those of the allowlist only */
  isTrustedHost?: (host: string) => boolean
  /** Groups addresses into subnets, for handshakes; `undefined` for one that counts for none. @default as for `peers` */
  subnetOf?: (address: Multiaddr) => string | undefined
  /** @default the machine's */
  random?: Random
}

/**
 * Why a peer that dialled us was refused: by whom it is, or, before that was known, because its host begins too many connections (`rate`), or because it was
 * in the middle of its handshake when others needed the place (`handshake`).
 */
export type InboundRefusal = 'banned' | 'not-allowed' | 'subnet' | 'rate' | 'handshake'

/** Who knows more of the peers than the gate does: the `peers` service. */
export interface GateGuard {
  /** Whether the operator configured a peer. */
  isConfigured(peerId: PeerId): boolean
  /** Whether a peer that dials us from an address may stay. */
  hasRoomFor(peerId: PeerId, address: Multiaddr): boolean
  /** @param who the peer; its address where nobody knows yet which peer it is */
  onRefused(who: PeerId | Multiaddr, refusal: InboundRefusal): void
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

/**
 * Makes a gate.
 *
 * @throws {PeersError} `ALLOWLIST_INVALID`
 * @throws {RangeError} for a number of bans, handshakes or connections a second that is out of range
 */
export function createPeerGate(init: PeerGateInit = {}): PeerGate {
  const { clock = systemClock, records, onRecordFailed = (error) => process.emitWarning(error) } = init
  const bans = new BanTable(init.maxBans ?? 1_000)
  let saving: Promise<void> | undefined
  let changed = false
  const allowlist = readAllowlist(init.allowlist ?? [])
  const handshakes = new Handshakes({
    most: init.maxHandshakes ?? 100,
    perSecond: init.handshakesPerSecond ?? Number.POSITIVE_INFINITY,
    isTrustedHost: (host) => allowlist.hosts.has(host) || init.isTrustedHost?.(host) === true,
    subnetOf: init.subnetOf ?? subnetOf,
    clock,
    random: init.random ?? systemRandom
  })
  let guard: GateGuard | undefined

  const isChosen = (peerId: PeerId): boolean =>
    allowlist.peerIds.has(peerId.toString()) || guard?.isConfigured(peerId) === true
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
        await store.setRecord(BANS_RECORD, bans.encode(clock.now()))
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
      denyInboundConnection(connection) {
        const refused = handshakes.begin(connection)
        if (refused === undefined) return false
        guard?.onRefused(refused.connection.remoteAddr, refused.reason)
        if (refused.connection === connection) return true
        refused.connection.abort(new Error('another connection needs the place'))
        return false
      },
      denyInboundEncryptedConnection(peerId, connection) {
        const refused = refusal(peerId, connection)
        if (refused !== undefined) guard?.onRefused(peerId, refused)
        return refused !== undefined
      },
      denyInboundUpgradedConnection(_, connection) {
        handshakes.end(connection)
        return false
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
        const record = await records?.getRecord(BANS_RECORD)
        if (record !== undefined) bans.decode(record, clock.now())
      } catch (thrown) {
        onRecordFailed(toError(thrown))
      }
    },
    flush: () => saving ?? Promise.resolve()
  }
}
