import 'reflect-metadata' // the next one needs it to be there
import { webcrypto } from 'node:crypto'
import { X509CertificateGenerator } from '@peculiar/x509'

/** A key and a certificate for localhost, in PEM. */
export interface SelfSigned {
  readonly key: string
  readonly cert: string
}

/** Elliptic curve and digest as `@libp2p/tls` has them, so that handshakes and ciphers are the same. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** Makes a certificate of its own for a server on loopback. */
export async function selfSigned(): Promise<SelfSigned> {
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair
  const certificate = await X509CertificateGenerator.createSelfSigned(
    { name: 'CN=localhost', keys, signingAlgorithm: ALGORITHM },
    webcrypto as Crypto
  )
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return { key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`, cert: certificate.toString('pem') }
}
