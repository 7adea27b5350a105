import type { MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { RateLimiter } from '../rpc/rate-limiter.ts'
import type { Clock } from '../runtime/clock.ts'
import { type Random, randomInteger } from '../runtime/random.ts'

export interface HandshakesInit {
  /** Most under way at once. */
  readonly most: number
  /** Connections that one host may begin a second. */
  readonly perSecond: number
  /** Hosts that neither limit holds for. */
  readonly isTrustedHost: (host: string) => boolean
  readonly subnetOf: (address: Multiaddr) => string | undefined
  readonly clock: Clock
  readonly random: Random
}

/** Hosts whose pace is remembered. */
const MAX_HOSTS = 10_000

/** A connection of which nobody knows yet who is there. */
interface Handshake {
  /** Its subnet, or its host where none is counted. */
  readonly group: string
  readonly isTrusted: boolean
}

/** A connection that is not to be, and why. */
export interface RefusedHandshake {
  readonly connection: MultiaddrConnection
  readonly reason: 'rate' | 'handshake'
}

/**
 * Inbound connections in the middle of their handshake. When there are too many, the newcomer gets in all the same, and the oldest one of a subnet that has most of them has to go: who
 * begins handshakes and does not go on with them keeps nobody out, for they are what is given up, and one who goes on needs its place for a moment only.
 */
export class Handshakes {
  readonly #init: HandshakesInit
  /** The oldest first. */
  readonly #underWay = new Map<MultiaddrConnection, Handshake>()
  readonly #hosts: RateLimiter

  constructor(init: HandshakesInit) {
    const { most, perSecond, clock } = init
    if (!(most >= 1)) throw new RangeError(`at least 1 handshake at a time, not ${most}`)
    this.#init = init
    this.#hosts = new RateLimiter({ perSecond, burst: Math.max(1, perSecond), capacity: MAX_HOSTS, clock })
  }

  /**
   * Takes a connection on.
   *
   * @returns who is refused for it, if anybody: it, when its host begins too many, or another
   */
  begin(connection: MultiaddrConnection): RefusedHandshake | undefined {
    const { most, perSecond, isTrustedHost, subnetOf } = this.#init
    const host = hostOf(connection.remoteAddr)
    const isTrusted = isTrustedHost(host)
    if (!isTrusted && Number.isFinite(perSecond) && this.#hosts.take(host) > 0) return { connection, reason: 'rate' }
    const givenUp = this.#underWay.size >= most ? this.#giveUp() : undefined
    this.#underWay.set(connection, { group: subnetOf(connection.remoteAddr) ?? host, isTrusted })
    connection.addEventListener('close', () => this.end(connection), { once: true })
    return givenUp && { connection: givenUp, reason: 'handshake' }
  }

  /** A connection has come through, or its end. */
  end(connection: MultiaddrConnection): void {
    this.#underWay.delete(connection)
  }

  #giveUp(): MultiaddrConnection | undefined {
    const groups = new Map<string, MultiaddrConnection[]>()
    for (const [connection, { group, isTrusted }] of this.#underWay) {
      if (isTrusted) continue
      const before = groups.get(group)
      if (before === undefined) groups.set(group, [connection])
      else before.push(connection)
    }
    const most = Math.max(...[...groups.values()].map(({ length }) => length))
    const largest = [...groups.values()].filter(({ length }) => length === most)
    const [oldest] = largest[randomInteger(this.#init.random, largest.length)] ?? []
    if (oldest !== undefined) this.end(oldest)
    return oldest
  }
}

function hostOf(address: Multiaddr): string {
  const [host] = address.getComponents()
  return host?.value?.toLowerCase() ?? address.toString()
}
