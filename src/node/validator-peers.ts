import type { PeerId } from '@libp2p/interface'
import type { Committee } from '../consensus/committee.ts'
import { toHex } from '../runtime/hex.ts'

/** Which peers are validators of the committee of now. */
export class ValidatorPeers {
  #keys: ReadonlySet<string>

  constructor(committee: Committee) {
    this.#keys = networkKeys(committee)
  }

  /** The chain goes on in another epoch. */
  enter(committee: Committee): void {
    this.#keys = networkKeys(committee)
  }

  has({ publicKey }: PeerId): boolean {
    return publicKey !== undefined && this.#keys.has(toHex(publicKey.raw))
  }
}

function networkKeys({ validators }: Committee): ReadonlySet<string> {
  return new Set(validators.map(({ networkKey }) => toHex(networkKey)))
}
