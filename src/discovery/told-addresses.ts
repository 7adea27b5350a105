import type { Multiaddr } from '@multiformats/multiaddr'

/** Most tellers of one peer at a time. */
const MAX_TELLERS = 4
/** Most addresses of one teller. */
const MAX_ADDRESSES_OF_TELLER = 4

interface Told {
  readonly addresses: readonly Multiaddr[]
  readonly at: number
}

/**
 * Where a peer may be reached, by what others say who did not sign it. Nobody can tell who of them lies, so they are kept beside each other: whoever tells again
 * replaces nothing but what it told itself, and when there are enough of them nobody else gets in until one has grown old.
 */
export class ToldAddresses {
  static readonly none: ToldAddresses = new ToldAddresses(new Map())

  /** What was told, by who told it, the first teller first. */
  readonly #told: ReadonlyMap<string, Told>
  /** The first address of each teller, then the second of each, and so on: however many a liar tells, those of others have their turn. */
  readonly addresses: readonly Multiaddr[]

  private constructor(told: ReadonlyMap<string, Told>) {
    this.#told = told
    this.addresses = interleaved([...told.values()].map(({ addresses }) => addresses))
  }

  /** With what a teller says now. */
  with(teller: string, addresses: readonly Multiaddr[], at: number): ToldAddresses {
    if (this.#told.size >= MAX_TELLERS && !this.#told.has(teller)) return this
    return new ToldAddresses(
      new Map(this.#told).set(teller, { addresses: addresses.slice(0, MAX_ADDRESSES_OF_TELLER), at })
    )
  }

  /** Without what was told before a time. */
  since(earliest: number): ToldAddresses {
    const told = new Map([...this.#told].filter(([, { at }]) => at >= earliest))
    return told.size === this.#told.size ? this : new ToldAddresses(told)
  }
}

function interleaved(lists: readonly (readonly Multiaddr[])[]): Multiaddr[] {
  const result = new Map<string, Multiaddr>()
  for (let turn = 0; turn < MAX_ADDRESSES_OF_TELLER; turn++) {
    for (const list of lists) {
      const address = list[turn]
      if (address !== undefined) result.set(address.toString(), address)
    }
  }
  return [...result.values()]
}
