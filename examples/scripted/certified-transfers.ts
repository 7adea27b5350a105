import { blake2b256, type Digest } from '../../src/consensus/digest.ts'
import { toHex } from '../../src/runtime/hex.ts'
import type { EpochPlan } from '../../src/testing/epoch-schedule.ts'
import type { ScriptedContent } from '../../src/testing/scripted-content.ts'
import { encodeCertified, encodeEndOfPublish, TransactionSigner } from '../../src/testing/sign-transaction.ts'
import { ed25519PublicKey } from '../../src/verify/ed25519.ts'
import { encodeTransfer, type Transfer } from '../ledger/transfer.ts'

/** Rounds from the first whose blocks hold no transfers to that of an epoch's last leader: what comes later might be in no commit. */
const QUIET_ROUNDS = 2
/** Every so many users hand their transfers to a second validator as well. */
const HANDED_TWICE = 5
/** Every so many transfers touch a shared object, and before every so many its sender tries to send more than anyone has. */
const SHARING = 4
const OVERDRAWN = 16
/** Shared objects that there are. */
const OBJECTS = 8
const MORE_THAN_THERE_IS = Number.MAX_SAFE_INTEGER

/** Most bytes of a transaction that {@link certifiedTransfers} makes, in a committee of any size. */
export const TRANSFER_BYTES = 512
/** A block holds at most so many times its share of the users. */
export const MOST_OF_A_USER = 3

/** What {@link certifiedTransfers} makes transfers from. */
export interface CertifiedTransfersInit {
  readonly chainId: Digest
  /** Of the users' keys. */
  readonly seed: number
  /** How many send a transfer each round: an integer from 0. */
  readonly users: number
}

/**
 * Content of blocks: certified transfers, as users hand them to validators. Each user sends one a round, through the validator that it belongs to in that
 * epoch. Some hand the one before to another validator as well, which has it certified anew where an epoch has ended in between, and some try at first to send
 * more than there is. In the last rounds of an epoch the validators end publishing.
 *
 * All of it follows from the place of a block, so that it is the same in every process and after every restart.
 */
export function certifiedTransfers({ chainId, seed, users }: CertifiedTransfersInit): ScriptedContent {
  const crowd = Array.from({ length: users }, (_, user) => {
    const secret = digestOfText(`user/${seed}/${user}`)
    return { secret, key: ed25519PublicKey(secret) }
  })
  let certifier: Certifier | undefined

  function transferOf(user: number, nonce: number): Transfer {
    const to = crowd[(user + 1 + (nonce % Math.max(1, users - 1))) % users]?.key ?? new Uint8Array(32)
    const shared = (user + nonce) % SHARING === 0 ? [digestOfText(`object/${nonce % OBJECTS}`)] : []
    return { to, amount: 1 + ((user * 31 + nonce * 17) % 100), nonce, shared }
  }

  return ({ plan, round, author }) => {
    const { epoch, lastRound, keys } = plan
    const quiet = lastRound - QUIET_ROUNDS
    if (round >= quiet) return round === quiet ? [encodeEndOfPublish({ epoch, author })] : []
    if (certifier?.plan !== plan) certifier = new Certifier(chainId, plan)
    const { certify } = certifier
    const nonce = round - 1 + (epoch === 0 ? 0 : epoch * (quiet - 1)) // as many rounds in each epoch before
    return crowd.flatMap(({ secret }, user) => {
      const isHandedTwice = user % HANDED_TWICE === 0
      const entries: Uint8Array[] = []
      if (isHandedTwice && (user + 1) % keys.length === author && nonce > 0) {
        entries.push(certify(secret, transferOf(user, nonce - 1), 'last'))
      }
      if (user % keys.length === author) {
        const transfer = transferOf(user, nonce)
        if ((user + nonce) % OVERDRAWN === 0) entries.push(certify(secret, { ...transfer, amount: MORE_THAN_THERE_IS }))
        entries.push(certify(secret, transfer, isHandedTwice ? 'first' : 'only'))
      }
      return entries
    })
  }
}

/** Certifies the transfers of one epoch. */
class Certifier {
  readonly plan: EpochPlan
  readonly #signer: TransactionSigner
  /** What was certified and comes again in the next round: a certificate takes half a millisecond. */
  readonly #comingAgain = new Map<string, Uint8Array>()

  constructor(chainId: Digest, plan: EpochPlan) {
    this.plan = plan
    this.#signer = new TransactionSigner({ chainId, committee: plan.committee, keys: plan.keys })
  }

  /** @param time whether it comes once, or twice and this is the first or the last time */
  readonly certify = (secret: Uint8Array, transfer: Transfer, time: 'only' | 'first' | 'last' = 'only'): Uint8Array => {
    const payload = encodeTransfer(transfer)
    const key = `${toHex(secret)} ${toHex(payload)}`
    const known = this.#comingAgain.get(key)
    if (known !== undefined) {
      if (time === 'last') this.#comingAgain.delete(key)
      return known
    }
    const certified = encodeCertified(this.#signer.sign(secret, payload))
    if (time === 'first') this.#comingAgain.set(key, certified)
    return certified
  }
}

function digestOfText(text: string): Digest {
  return blake2b256(new TextEncoder().encode(`soma-p2p/examples/${text}`))
}
