/** The refusals of the JSON API, in Google's own words and form. */

/** Ends a request with an error. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, reason: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
}

export function errorBody(status: number, reason: string, message: string): string {
  const detail = { message, domain: 'global', reason };
  return JSON.stringify({ error: { code: status, message, errors: [detail] } });
}

export const refuse = {
  /** What the server does not know, a test is to notice. */
  malformed: (why: string) => new ApiRefusal(400, 'invalid', why),
  invalidParameter: (name: string) => new ApiRefusal(400, 'invalidParameter', `Unknown or invalid parameter: ${name}.`),
  noBucket: () => new ApiRefusal(404, 'notFound', 'The specified bucket does not exist.'),
  noObject: (bucket: string, name: string) => new ApiRefusal(404, 'notFound', `No such object: ${bucket}/${name}`),
  noUpload: () => new ApiRefusal(404, 'notFound', 'No such upload.'),
  conditionNotMet: () =>
    new ApiRefusal(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.'),
  noRange: (size: number) =>
    new ApiRefusal(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable', {
      'content-range': `bytes */${size}`,
    }),
  badToken: () => new ApiRefusal(401, 'authError', 'Invalid Credentials'),
  noToken: (permission: string) =>
    new ApiRefusal(
      401,
      'required',
      `Anonymous caller does not have ${permission} access to the Google Cloud Storage object. ` +
        `Permission '${permission}' denied on resource (or it may not exist).`,
    ),
  noPermission: (account: string, permission: string) =>
    new ApiRefusal(
      403,
      'forbidden',
      `${account} does not have ${permission} access to the Google Cloud Storage ` +
        `${permission.endsWith('.list') ? 'bucket' : 'object'}. Permission '${permission}' denied on resource (or it may not exist).`,
    ),
  tooOften: (bucket: string, name: string) =>
    new ApiRefusal(
      429,
      'rateLimitExceeded',
      `The object ${bucket}/${name} exceeded the rate limit for object mutation operations (create, update, and delete). ` +
        'Please reduce your request rate. See https://cloud.google.com/storage/docs/gcs429.',
    ),
};
