import type { Logger, PeerId } from '@libp2p/interface'
import { errorCode, SomaError, toError } from '../runtime/soma-error.ts'
import { Backoff } from './backoff.ts'
import { type Consequence, consequenceOf } from './consequence.ts'
import { FadingRate } from './fading-rate.ts'
import type { PeerReport, PeerStanding, ReportContext } from './peers.ts'
import type { PeersInit } from './peers-init.ts'
import { PenaltyTable } from './penalty-table.ts'
import { type MeasuredAnswer, type PeerSpeed, SpeedMeter } from './speed-meter.ts'

export interface PeerConductInit
  extends Required<
    Pick<
      PeersInit,
      | 'clock'
      | 'random'
      | 'backoffBaseMs'
      | 'backoffMaxMs'
      | 'maxPeers'
      | 'maxPenalty'
      | 'penaltyHalfLifeMs'
      | 'onReport'
      | 'isTrusted'
    >
  > {
  readonly log: Logger
  /** Whether we closed a connection to a peer a short while ago. */
  readonly hasLeft: (peerId: PeerId) => boolean
  readonly isBanned: (peerId: PeerId) => boolean
  readonly ban: (peerId: PeerId, error: unknown, code: string) => void
}

/** What a request comes to when its connection is closed. */
const LOST_CODES: ReadonlySet<string> = new Set(['RPC_STREAM_TORN', 'RPC_NOT_CONNECTED'])

/** Milliseconds after which a delivery counts half of what it did in the rate: a pause of minutes is nothing, an hour of silence is. */
const DELIVERED_HALF_LIFE_MS: number = 5 * 60_000

/** How peers conduct themselves: what they deliver, and what follows from their errors. */
export class PeerConduct {
  readonly #init: PeerConductInit
  readonly #backoff: Backoff
  readonly #penalties: PenaltyTable
  readonly #speed: SpeedMeter
  readonly #rate: FadingRate
  /** What came of each error. The same error may reach us twice, from the room that saw it and from the one that got it thrown, and counts once. */
  readonly #judged = new WeakMap<object, { readonly peer: string; readonly consequence: Consequence }>()

  constructor(init: PeerConductInit) {
    const { clock, random, maxPeers: capacity } = init
    this.#init = init
    this.#backoff = new Backoff({ clock, random, baseMs: init.backoffBaseMs, maxMs: init.backoffMaxMs, capacity })
    this.#penalties = new PenaltyTable({ clock, halfLifeMs: init.penaltyHalfLifeMs, capacity })
    this.#speed = new SpeedMeter({ clock, capacity })
    this.#rate = new FadingRate({ clock, halfLifeMs: DELIVERED_HALF_LIFE_MS, capacity })
  }

  report(peerId: PeerId, error: unknown, context: ReportContext): Consequence {
    const key = peerId.toString()
    const judged = error instanceof Error ? this.#judged.get(error) : undefined
    if (judged?.peer === key) return judged.consequence
    const consequence = this.#judge(peerId, error, context)
    if (error instanceof Error) this.#judged.set(error, { peer: key, consequence })
    return consequence
  }

  delivered(peerId: PeerId, bytes: number): void {
    const key = peerId.toString()
    this.#rate.add(key, bytes)
    this.#backoff.succeeded(key)
  }

  measured(peerId: PeerId, answer: MeasuredAnswer): void {
    this.#speed.add(peerId.toString(), answer)
  }

  speed(peerId: PeerId): PeerSpeed | undefined {
    return this.#speed.speed(peerId.toString())
  }

  /** What it brings, whether or not it is asked all the time. */
  bytesPerMinute(peerId: PeerId): number {
    return this.#rate.perMinute(peerId.toString())
  }

  backoffUntil(peerId: PeerId): number {
    return this.#backoff.until(peerId.toString())
  }

  /** Forgets penalties and backoff. */
  forgive(peerId: PeerId): void {
    this.#penalties.clear(peerId.toString())
    this.#backoff.succeeded(peerId.toString())
  }

  standing(peerId: PeerId): PeerStanding {
    const until = this.backoffUntil(peerId)
    return {
      banned: this.#init.isBanned(peerId),
      penalty: this.#penalties.points(peerId.toString()),
      backoffMs: until === 0 ? 0 : until - this.#init.clock.monotonic(),
      speed: this.speed(peerId)
    }
  }

  #judge(peerId: PeerId, error: unknown, context: ReportContext): Consequence {
    const key = peerId.toString()
    const code = errorCode(error)
    let consequence = context.consequence ?? (error instanceof SomaError ? consequenceOf(code) : 'none')
    const isOurs = () => this.#init.hasLeft(peerId) || this.#init.isBanned(peerId)
    if (consequence === 'backoff' && LOST_CODES.has(code) && isOurs()) consequence = 'none'
    // rounded, for each has faded a little when the next comes
    if (consequence === 'penalty' && Math.round(this.#penalties.add(key)) >= this.#init.maxPenalty) {
      this.#penalties.clear(key)
      consequence = 'ban'
    }
    const spared = consequence === 'ban' && this.#init.isTrusted(peerId)
    if (spared) consequence = 'backoff'
    if (consequence === 'ban') this.#init.ban(peerId, error, code)
    if (consequence === 'backoff') this.#backoff.failed(key, spared ? this.#init.backoffMaxMs : retryAfterMs(error))
    const reason = toError(error).message
    this.#tell({ peerId, code, reason, consequence, spared, during: context.during })
    return consequence
  }

  #tell(report: PeerReport): void {
    const { log } = this.#init
    const { peerId, code, reason, consequence, spared, during = 'unknown' } = report
    if (spared) log('%p, which the operator chose, would be banned for %s during %s', peerId, code, during)
    else log('%p: %s for %s during %s: %s', peerId, consequence, code, during, reason)
    this.#init.onReport(report)
  }
}

/** What a peer asked us to wait; every error that carries it names it so. */
function retryAfterMs(error: unknown): number {
  const wanted = error instanceof Error && 'retryAfterMs' in error ? error.retryAfterMs : undefined
  return typeof wanted === 'number' && wanted > 0 ? wanted : 0
}
