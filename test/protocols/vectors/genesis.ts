import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { genesisMessage } from '../../../src/consensus/genesis.ts'
import { NO_CHAIN } from '../../../src/consensus/intent.ts'
import { validatorSetMessage } from '../../../src/consensus/validator-set.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import { blsKeyPair } from '../../../src/verify/bls.ts'
import { proofOfPossessionMessage } from '../../../src/verify/proof-of-possession.ts'
import { fieldsOf } from './fields.ts'
import { committee, genesis, keys } from './fixture.ts'

export async function genesisVectors(): Promise<unknown> {
  return {
    about:
      'A genesis with its validators in the order of the committee. Ed25519 keys are made from seeds as in RFC 8032, BLS secret keys by KeyGen of draft-irtf-cfrg-bls-signature-05 without salt or key_info.',
    validators: await Promise.all(keys.map((_, index) => validatorVector(index))),
    validator_set: {
      fields: fieldsOf(validatorSetMessage, { epoch: committee.epoch, validators: committee.validators }),
      bytes: toHex(committee.bytes),
      digest: toHex(committee.digest)
    },
    genesis: {
      fields: fieldsOf(genesisMessage, genesisMessage.decode(genesis.bytes)),
      bytes: toHex(genesis.bytes),
      chain_id: toHex(genesis.chainId)
    }
  }
}

async function validatorVector(index: number): Promise<unknown> {
  const secrets = keys[index]
  if (secrets === undefined) throw new RangeError(`no validator ${index}`)
  const authority = blsKeyPair(secrets.authoritySeed)
  const network = await generateKeyPairFromSeed('Ed25519', secrets.networkSeed)
  return {
    network_seed: toHex(secrets.networkSeed),
    network_key: toHex(network.publicKey.raw),
    peer_id: peerIdFromPrivateKey(network).toString(),
    protocol_seed: toHex(secrets.protocolSeed),
    authority_seed: toHex(secrets.authoritySeed),
    authority_secret_key: toHex(authority.secretKey),
    authority_key: toHex(authority.publicKey),
    proof_message: toHex(proofOfPossessionMessage(NO_CHAIN, authority.publicKey))
  }
}
