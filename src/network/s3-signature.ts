import { createHash, createHmac } from 'node:crypto'

/** A key of an S3 store. */
export interface S3Credentials {
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
}

/** A request to be signed. */
export interface S3Request {
  readonly method: string
  /** The host with its port, as in the `Host` header. */
  readonly host: string
  /** Percent-encoded, without a query: this server asks for nothing that needs one. */
  readonly path: string
  /** By lower-case name; all of them are signed. */
  readonly headers: Readonly<Record<string, string>>
  /** SHA-256 of the body in hexadecimal. */
  readonly bodyHash: string
}

/** SHA-256 of nothing. */
export const EMPTY_BODY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/**
 * The headers of a request with its signature ("Authenticating Requests: Using the Authorization Header (AWS Signature
 * Version 4)", Amazon S3 API reference).
 *
 * @param now milliseconds since 1970; stores refuse what is off by more than a quarter of an hour.
 */
export const signedHeaders = (
  request: S3Request,
  { accessKey, secretKey, region }: S3Credentials,
  now: number,
): Record<string, string> => {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const day = time.slice(0, 8)
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.host,
    'x-amz-content-sha256': request.bodyHash,
    'x-amz-date': time,
  }
  const names = Object.keys(headers).toSorted()
  const signed = names.join(';')
  const lines = names.map(name => `${name}:${headers[name]?.trim()}\n`).join('')
  const canonical = [request.method, request.path, '', lines, signed, request.bodyHash].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const hash = createHash('sha256').update(canonical).digest('hex')
  const key = [day, region, 's3', 'aws4_request'].reduce(
    hmac,
    `AWS4${secretKey}` as string | Buffer,
  ) as Buffer
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, hash].join('\n')).toString('hex')
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
  }
}
