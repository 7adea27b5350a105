import { genesisBlockRef } from '../../../src/consensus/block-ref.ts'
import { type DigestDomain, digestOf } from '../../../src/consensus/digest.ts'
import { type IntentScope, intentPrefix, NO_CHAIN } from '../../../src/consensus/intent.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import { chainId } from './fixture.ts'

const DOMAINS: DigestDomain[] = [
  'block',
  'commit',
  'validator-set',
  'genesis',
  'genesis-block',
  'transaction',
  'node-info',
  'known-peers',
  'rendezvous'
]
const SCOPES: IntentScope[] = ['block', 'end-of-epoch', 'proof-of-possession', 'transaction', 'certificate']
const CONTENT = new TextEncoder().encode('content')

export function digestVectors(): unknown {
  return {
    about:
      'Digests of one content in every domain; prefixes of what is signed, for no chain and for the chain of genesis.json; genesis blocks of that chain.',
    digests: DOMAINS.map((domain) => ({ domain, content: toHex(CONTENT), digest: toHex(digestOf(domain, CONTENT)) })),
    intents: SCOPES.flatMap((scope) =>
      [NO_CHAIN, chainId].map((chain) => ({ scope, chain: toHex(chain), prefix: toHex(intentPrefix(scope, chain)) }))
    ),
    genesis_blocks: [0, 1, Number.MAX_SAFE_INTEGER].flatMap((epoch) =>
      [0, 3, 999].map((author) => ({
        chain_id: toHex(chainId),
        epoch,
        author,
        digest: toHex(genesisBlockRef(chainId, epoch, author).digest)
      }))
    )
  }
}
