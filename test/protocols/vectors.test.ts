import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { CID } from 'multiformats/cid'
import { encodingLength, decode as varint } from 'uint8-varint'
import { blockMessage } from '../../src/consensus/block.ts'
import { blockRefKey, blockRefMessage, genesisBlockRef } from '../../src/consensus/block-ref.ts'
import { BlockRefMap } from '../../src/consensus/block-ref-map.ts'
import { commitMessage, decodeCommit, type EncodedCommit, trustCommit } from '../../src/consensus/commit.ts'
import { type Committee, decodeCommittee } from '../../src/consensus/committee.ts'
import { type DigestDomain, digestOf } from '../../src/consensus/digest.ts'
import { decodeGenesis, type Genesis, genesisCommitRef } from '../../src/consensus/genesis.ts'
import { type IntentScope, intentPrefix, NO_CHAIN } from '../../src/consensus/intent.ts'
import { decodeSignedBlock, type SignedBlock } from '../../src/consensus/signed-block.ts'
import {
  certificateMessage,
  consensusTransactionMessage,
  transactionDigest,
  transactionMessage
} from '../../src/consensus/transaction.ts'
import { validatorSetMessage } from '../../src/consensus/validator-set.ts'
import { KnownPeers } from '../../src/discovery/known-peers.ts'
import { nodeInfoMessage } from '../../src/discovery/messages.ts'
import { openNodeInfo } from '../../src/discovery/node-info.ts'
import { knownDigest, requestKnownPeers } from '../../src/discovery/peer-exchange.ts'
import { requestFrameMessage, responseFrameMessage } from '../../src/rpc/frame-messages.ts'
import { fromHex, toHex } from '../../src/runtime/hex.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import type { WireMessage } from '../../src/runtime/wire-message.ts'
import { assembleSubDag } from '../../src/verify/assembly.ts'
import { createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { blsAggregate, blsFastAggregateVerify, blsKeyPair, blsVerify } from '../../src/verify/bls.ts'
import { verifyCertification } from '../../src/verify/certification.ts'
import { verifyCommitChain } from '../../src/verify/commit-range.ts'
import { ed25519PublicKey, ed25519Verify } from '../../src/verify/ed25519.ts'
import { handOverMessage } from '../../src/verify/hand-over.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'
import { proofOfPossessionMessage, verifyProofOfPossession } from '../../src/verify/proof-of-possession.ts'
import { decodeSigners } from '../../src/verify/signer-bitmap.ts'
import { makeVectors, vectorsUrl } from './make-vectors.ts'
import { fieldsOf } from './vectors/fields.ts'
import type * as Files from './vectors/files.ts'
import { declaredMessages } from './wire-messages.ts'

async function read<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(new URL(`${name}.json`, vectorsUrl), 'utf8')) as T
}

/** The chain that all vectors are of, from its file alone. */
async function readGenesis(): Promise<Genesis> {
  return decodeGenesis(fromHex((await read<Files.Genesis>('genesis')).genesis.bytes))
}

function blockVerifierOf({ chainId, committee }: Genesis) {
  const signatures = createMainThreadVerifier()
  return createBlockVerifier({
    chainId,
    signatures,
    bls: signatures,
    getCommittee: (epoch) => (epoch === 0 ? committee : undefined)
  })
}

/** Takes a range as a node does that has nothing: its chain, then its certification. */
async function takeRange(
  genesis: Genesis,
  range: { start: number; end: number; commits: EncodedCommit[]; certifiers: SignedBlock[] }
): Promise<void> {
  const { committee } = genesis
  const { commits, certifiers } = range
  verifyCommitChain({ ...range, tip: genesisCommitRef(genesis), epoch: 0, committee })
  const commit = commits.at(-1) as EncodedCommit
  await verifyCertification({ commit, certifiers, committee, blockVerifier: blockVerifierOf(genesis) })
}

describe('the test vectors', () => {
  it('are what make-vectors makes', async () => {
    const made = await makeVectors()
    assert.deepEqual((await readdir(vectorsUrl)).sort(), [...made.keys()].sort())
    for (const [name, content] of made) {
      assert.equal(await readFile(new URL(name, vectorsUrl), 'utf8'), content, `${name} differs: the wire has changed`)
    }
  })
})

describe('digests.json', () => {
  it('have the rendezvous of the chain', async () => {
    const { chainId } = await readGenesis()
    const file = await read<Files.Rendezvous>('rendezvous')
    assert.equal(file.chain_id, toHex(chainId))
    assert.equal(file.protocol, `/soma-p2p/${file.chain_id}/kad/1`)
    assert.equal(file.digest, toHex(digestOf('rendezvous', fromHex(file.chain_id))))
    assert.equal(file.key, `1220${file.digest}`)
    assert.equal(toHex(CID.parse(file.cid).bytes), file.key)
    assert.equal(file.get_providers, `08031222${file.key}`)
  })

  it('holds the digests of domains, the prefixes of intents and the genesis blocks', async () => {
    const vectors = await read<Files.Digests>('digests')
    for (const { domain, content, digest } of vectors.digests) {
      assert.equal(toHex(digestOf(domain as DigestDomain, fromHex(content))), digest, domain)
    }
    for (const { scope, chain, prefix } of vectors.intents) {
      assert.equal(toHex(intentPrefix(scope as IntentScope, fromHex(chain))), prefix, scope)
    }
    for (const { chain_id, epoch, author, digest } of vectors.genesis_blocks) {
      assert.equal(toHex(genesisBlockRef(fromHex(chain_id), epoch, author).digest), digest, `${epoch}.${author}`)
    }
  })
})

describe('genesis.json', () => {
  it('holds a genesis whose committee keeps every rule', async () => {
    const vectors = await read<Files.Genesis>('genesis')
    const genesis = decodeGenesis(fromHex(vectors.genesis.bytes))
    assert.equal(toHex(genesis.chainId), vectors.genesis.chain_id)
    const committee = decodeCommittee(fromHex(vectors.validator_set.bytes))
    assert.deepEqual(genesis.committee, committee)
    assert.equal(toHex(committee.digest), vectors.validator_set.digest)
    assert.deepEqual(
      fieldsOf(validatorSetMessage, { epoch: 0, validators: committee.validators }),
      vectors.validator_set.fields
    )
    for (const validator of committee.validators) assert.ok(verifyProofOfPossession(validator, NO_CHAIN))
  })

  it('derives every key from its seed', async () => {
    const vectors = await read<Files.Genesis>('genesis')
    const { committee } = await readGenesis()
    assert.equal(vectors.validators.length, committee.validators.length)
    for (const [index, vector] of vectors.validators.entries()) {
      const validator = committee.validators[index]
      assert.ok(validator)
      const network = await generateKeyPairFromSeed('Ed25519', fromHex(vector.network_seed))
      assert.deepEqual(network.publicKey.raw, validator.networkKey)
      assert.equal(peerIdFromPrivateKey(network).toString(), vector.peer_id)
      assert.deepEqual(ed25519PublicKey(fromHex(vector.protocol_seed)), validator.protocolKey)
      const authority = blsKeyPair(fromHex(vector.authority_seed))
      assert.deepEqual(authority.publicKey, validator.authorityKey)
      assert.equal(toHex(authority.secretKey), vector.authority_secret_key)
      assert.equal(toHex(proofOfPossessionMessage(NO_CHAIN, validator.authorityKey)), vector.proof_message)
    }
  })
})

describe('chain.json', () => {
  it('holds blocks that are valid, with their parts', async () => {
    const vectors = await read<Files.Chain>('chain')
    await checkBlocks(vectors.blocks, await readGenesis())
  })

  it('holds commits that are certified, and complete with the blocks', async () => {
    const vectors = await read<Files.Chain>('chain')
    const genesis = await readGenesis()
    const verified = await blockVerifierOf(genesis).verify(
      vectors.blocks.map(({ bytes }) => decodeSignedBlock(fromHex(bytes)))
    )
    const byRef = new BlockRefMap(verified.map((block) => [block.ref, block]))
    const commits = vectors.commits.map(({ fields, bytes, digest }) => {
      const commit = decodeCommit(fromHex(bytes))
      assert.deepEqual(fieldsOf(commitMessage, commit.commit), fields)
      assert.equal(toHex(commit.ref.digest), digest)
      assembleSubDag(trustCommit(commit), byRef)
      return commit
    })
    const wanted = vectors.certifier_blocks.map((ref) => JSON.stringify(ref))
    const certifiers = verified.filter(({ ref }) => wanted.includes(JSON.stringify(fieldsOf(blockRefMessage, ref))))
    assert.equal(certifiers.length, wanted.length)
    await takeRange(genesis, { start: 1, end: 2, commits, certifiers })
  })
})

describe('frames.json', () => {
  let vectors: Files.Frames
  let messages: Map<string, WireMessage<unknown>>

  before(async () => {
    vectors = await read('frames')
    messages = await declaredMessages()
  })

  function decodedFields(name: string, bytes: Uint8Array): unknown {
    const message = messages.get(name)
    assert.ok(message, name)
    return fieldsOf(message, message.decode(bytes))
  }

  it('holds requests and answers that decode to their fields', () => {
    for (const { what, protocol, request, answer } of vectors.exchanges) {
      assert.match(protocol, new RegExp(`^/soma-p2p/${vectors.chain_id}/[a-z-]+/1$`))
      const { keepOpen, body } = requestFrameMessage.decode(unframed(request.frame))
      assert.deepEqual([keepOpen, toHex(body)], [request.keep_open, request.body], what)
      assert.deepEqual(decodedFields(request.message, body), request.fields, what)
      for (const part of answer) checkAnswer(part, what)
      assert.deepEqual(answer.map(({ message }) => message === 'Status').indexOf(true), answer.length - 1, what)
    }
  })

  it('holds every status', () => {
    for (const status of vectors.statuses) checkAnswer(status, JSON.stringify(status.fields))
    assert.deepEqual(
      vectors.statuses.map(({ fields }) => fields.code),
      [0, 1, 2, 3, 4, 5]
    )
  })

  it('holds a whole catch-up', async () => {
    const commits: EncodedCommit[] = []
    const certifiers: SignedBlock[] = []
    const fetched = new Map<string, SignedBlock>()
    for (const { what, answer } of vectors.exchanges) {
      if (!what.startsWith('a whole catch-up')) continue
      for (const { fields } of answer) {
        commits.push(...(fields.commits ?? []).map((bytes) => decodeCommit(fromHex(bytes))))
        certifiers.push(...(fields.certifier_blocks ?? []).map((bytes) => decodeSignedBlock(fromHex(bytes))))
        for (const bytes of fields.blocks ?? []) {
          const block = decodeSignedBlock(fromHex(bytes))
          fetched.set(blockRefKey(block.ref), block)
        }
      }
    }
    const genesis = await readGenesis()
    await takeRange(genesis, { start: 1, end: 100, commits, certifiers })
    const verified = await blockVerifierOf(genesis).verify([...fetched.values()])
    const byRef = new BlockRefMap(verified.map((block) => [block.ref, block]))
    const blocks = commits.flatMap((commit) => assembleSubDag(trustCommit(commit), byRef).blocks)
    assert.equal(blocks.length, fetched.size)
  })

  function checkAnswer(part: Files.AnswerPart, what: string): void {
    const { body, status } = responseFrameMessage.decode(unframed(part.frame))
    if (part.message === 'Status') {
      assert.ok(status)
      const statusOf = messages.get('Status')
      assert.ok(statusOf)
      assert.deepEqual(fieldsOf(statusOf, status), part.fields, what)
    } else {
      assert.ok(body)
      assert.equal(toHex(body), part.body, what)
      assert.deepEqual(decodedFields(part.message, body), part.fields, what)
    }
  }
})

describe('end-of-epoch.json', () => {
  it('holds a hand-over that a quorum signed, in blocks that are valid', async () => {
    const vectors = await read<Files.EndOfEpoch>('end-of-epoch')
    const genesis = await readGenesis()
    const { committee, chainId } = genesis
    const next = decodeCommittee(fromHex(vectors.next_validator_set.bytes))
    assert.equal(toHex(next.digest), vectors.next_validator_set.digest)
    const message = handOverMessage(chainId, {
      epoch: vectors.epoch,
      nextSetDigest: next.digest,
      nextEpochStartMs: vectors.next_epoch_start_ms,
      stateHash: fromHex(vectors.state_hash)
    })
    assert.equal(toHex(message), vectors.message)
    for (const [index, signature] of vectors.signatures.entries()) {
      assert.ok(blsVerify(authorityKey(committee, index), message, fromHex(signature)), `validator ${index}`)
    }
    assert.deepEqual(decodeSigners(fromHex(vectors.bitmap), committee), vectors.signers)
    const ofSigners = vectors.signers.map((signer) => fromHex(vectors.signatures[signer] ?? ''))
    assert.equal(toHex(blsAggregate(ofSigners)), vectors.aggregate)
    const keys = vectors.signers.map((signer) => authorityKey(committee, signer))
    assert.ok(blsFastAggregateVerify(keys, message, fromHex(vectors.aggregate)))
    await checkBlocks(vectors.blocks, genesis)
  })
})

describe('transactions.json', () => {
  it('holds a transaction that a quorum certified, and an end of publish', async () => {
    const { certified, end_of_publish } = await read<Files.Transactions>('transactions')
    const { committee, chainId } = await readGenesis()
    const decoded = consensusTransactionMessage.decode(fromHex(certified.bytes))
    assert.deepEqual(fieldsOf(consensusTransactionMessage, decoded), certified.fields)
    assert.ok(decoded.certified)
    const { payload, sender, senderSignature, certificate } = decoded.certified
    assert.equal(toHex(transactionMessage(chainId, payload)), certified.sender_message)
    assert.deepEqual(ed25519PublicKey(fromHex(certified.sender_seed)), sender)
    assert.ok(ed25519Verify(sender, fromHex(certified.sender_message), senderSignature))
    const digest = transactionDigest(sender, payload)
    assert.equal(toHex(digest), certified.digest)
    const message = certificateMessage(chainId, certificate.epoch, digest)
    assert.equal(toHex(message), certified.certificate_message)
    const signers = decodeSigners(certificate.signers, committee)
    assert.deepEqual(signers, certified.signers)
    const keys = certified.signers.map((signer) => authorityKey(committee, signer))
    assert.ok(blsFastAggregateVerify(keys, message, certificate.aggregateSignature))
    const end = consensusTransactionMessage.decode(fromHex(end_of_publish.bytes))
    assert.deepEqual(fieldsOf(consensusTransactionMessage, end), end_of_publish.fields)
  })
})

describe('node-info.json', () => {
  it('holds infos that their subjects sealed, and what they add up to', async () => {
    const vectors = await read<Files.NodeInfos>('node-info')
    const chainId = fromHex(vectors.chain_id)
    const self = peerIdFromString('12D3KooWH3uVF6wv47WnArKHk5p6cvgCJEb74UTmxztmQDc298L3')
    const infos = await Promise.all(
      vectors.infos.map(async (vector) => {
        const now = vector.fields.timestamp_ms
        const rules = { chainId, self, now, privateNetwork: true, newest: () => undefined, from: undefined }
        const info = await openNodeInfo(fromHex(vector.envelope), rules)
        assert.equal(info.peerId.toString(), vector.peer_id)
        assert.equal(toHex(info.digest), vector.digest)
        assert.deepEqual(fieldsOf(nodeInfoMessage, nodeInfoMessage.decode(fromHex(vector.payload))), vector.fields)
        checkEnvelope(vector, vectors.chain_id)
        return info
      })
    )
    const now = vectors.infos[0]?.fields.timestamp_ms ?? 0
    assert.equal(toHex(knownDigest(infos, undefined, now)), vectors.known_digest)
    const known = new KnownPeers({ capacity: 10, random: systemRandom, isConnected: () => false })
    for (const info of infos) known.learn(info, info.peerId)
    const request = requestKnownPeers({ server: self, own: undefined, known, now, random: systemRandom })
    assert.equal(toHex(request.knownPrefixes ?? new Uint8Array(0)), vectors.known_prefixes)
  })

  /** The signature, by the words of README.md rather than by the library. */
  function checkEnvelope(vector: Files.NodeInfos['infos'][number], chainId: string): void {
    const { publicKey, payload, payloadType, signature } = RecordEnvelope.createFromProtobuf(fromHex(vector.envelope))
    assert.equal(toHex(payload), vector.payload)
    const signed = [`soma-p2p/1/node-info/${chainId}`, '/soma-p2p/node-info/1'].flatMap((text) => [
      Uint8Array.of(text.length),
      new TextEncoder().encode(text)
    ])
    const length = Uint8Array.of(0x80 | (payload.byteLength & 0x7f), payload.byteLength >> 7)
    assert.equal(Buffer.from(payloadType).toString(), '/soma-p2p/node-info/1')
    assert.ok(ed25519Verify(publicKey.raw, Buffer.concat([...signed, length, payload]), signature))
  }
})

describe('invalid-messages.json', () => {
  it('holds bytes that are refused for the reason given, and odd ones that are taken', async () => {
    const { invalid, odd } = await read<Files.InvalidMessages>('invalid-messages')
    const messages = await declaredMessages()
    for (const { what, message, bytes, code } of invalid) {
      assert.throws(() => messages.get(message)?.decode(fromHex(bytes)), { code }, what)
    }
    for (const { what, message, bytes, same_as } of odd) {
      const table = messages.get(message)
      assert.ok(table, message)
      assert.deepEqual(table.decode(fromHex(bytes)), table.decode(fromHex(same_as)), what)
    }
  })
})

describe('invalid-blocks.json', () => {
  it('holds a block for each rule, refused by that rule', async () => {
    const { blocks } = await read<Files.InvalidBlocks>('invalid-blocks')
    const verifier = blockVerifierOf(await readGenesis())
    for (const { what, code, bytes } of blocks) {
      await assert.rejects(async () => verifier.verify([decodeSignedBlock(fromHex(bytes))]), { code }, what)
    }
  })
})

describe('invalid-ranges.json', () => {
  it('holds a range for each rule, refused by that rule', async () => {
    const { ranges } = await read<Files.InvalidRanges>('invalid-ranges')
    const genesis = await readGenesis()
    for (const { what, code, start, end, commits, certifier_blocks } of ranges) {
      const range = {
        start,
        end,
        commits: commits.map((bytes) => decodeCommit(fromHex(bytes))),
        certifiers: certifier_blocks.map((bytes) => decodeSignedBlock(fromHex(bytes)))
      }
      await assert.rejects(takeRange(genesis, range), { code }, what)
    }
  })
})

async function checkBlocks(vectors: readonly Files.Block[], genesis: Genesis): Promise<void> {
  const blocks = vectors.map((vector) => {
    const signed = decodeSignedBlock(fromHex(vector.bytes))
    assert.deepEqual(fieldsOf(blockMessage, signed.block), vector.fields)
    assert.equal(toHex(signed.ref.digest), vector.digest)
    assert.equal(vector.signature + vector.payload, vector.bytes)
    const author = genesis.committee.validators[signed.ref.author]?.protocolKey ?? new Uint8Array(32)
    assert.ok(ed25519Verify(author, fromHex(vector.signed_message), fromHex(vector.signature)))
    return signed
  })
  await blockVerifierOf(genesis).verify(blocks)
}

function authorityKey(committee: Committee, index: number): Uint8Array {
  return committee.validators[index]?.authorityKey ?? new Uint8Array(48)
}

function unframed(frame: string): Uint8Array {
  const bytes = fromHex(frame)
  const length = varint(bytes)
  const message = bytes.subarray(encodingLength(length))
  assert.equal(message.byteLength, length)
  return message
}
