import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import {
  type CertifiedTransaction,
  type Committee,
  certificateMessage,
  type Digest,
  transactionDigest,
  transactionMessage
} from '../src/index.ts'
import { decodeSigners } from '../src/verify/signer-bitmap.ts'

/** What a thread of the limit is given: all that can be prepared is. */
export interface NativeSignatures {
  /** Of the signers, who are the same for all. */
  readonly authorityKeys: readonly Uint8Array[]
  readonly transactions: readonly {
    readonly sender: Uint8Array
    readonly message: Uint8Array
    readonly signature: Uint8Array
    readonly certified: Uint8Array
    readonly aggregate: Uint8Array
  }[]
}

/** Certified transactions a second whose signatures are verified by libsodium and blst, on all cores, with nothing around them. */
export async function nativeTransactionLimit(
  certified: readonly CertifiedTransaction[],
  { chainId, committee }: { chainId: Digest; committee: Committee }
): Promise<number> {
  const [first] = certified
  const signers = first && decodeSigners(first.certificate.signers, committee)
  const authorityKeys = (signers ?? []).flatMap((index) => committee.validators[index]?.authorityKey ?? [])
  const transactions = certified.map(({ sender, payload, senderSignature, certificate }) => ({
    sender,
    message: transactionMessage(chainId, payload),
    signature: senderSignature,
    certified: certificateMessage(chainId, certificate.epoch, transactionDigest(sender, payload)),
    aggregate: certificate.aggregateSignature
  }))
  const cores = availableParallelism()
  const workers = Array.from({ length: cores }, (_, core) => {
    const share: NativeSignatures = { authorityKeys, transactions: transactions.filter((_, i) => i % cores === core) }
    return new Worker(new URL('native-signatures.ts', import.meta.url), { workerData: share })
  })
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const begun = performance.now()
  const results = workers.map((worker) => once(worker, 'message'))
  for (const worker of workers) worker.postMessage('go')
  const areValid = (await Promise.all(results)).every(([isValid]) => isValid === true)
  const seconds = (performance.now() - begun) / 1_000
  if (!areValid) throw new Error('a signature of the sample does not verify')
  return transactions.length / seconds
}
