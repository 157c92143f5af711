/** JSON Schema as the tests hold answers against it. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** Formats are annotations; these are as wide as the values of a database. */
export function schemaValidator(): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addFormat('date', /^(?:-?infinity|(?:\d{4}|[+-]\d{6,7})-\d\d-\d\d)$/);
  ajv.addFormat('date-time', /^(?:-?infinity|(?:\d{4}|[+-]\d{6,7})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)$/);
  return ajv;
}

export function validator(schema: object): (value: unknown) => boolean {
  const validate = schemaValidator().compile(schema);
  return (value) => validate(value);
}
