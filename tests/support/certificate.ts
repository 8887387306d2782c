/** Self-made certificates for tests, by the machine's openssl. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** The paths of a certificate and its key. */
export interface TestCertificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Makes a certificate for 127.0.0.1 in `folder`, over files of the same name. */
export function makeCertificate(
  folder: string,
  name: string,
  commonName: string = name,
  days: number = 90,
): TestCertificate {
  const certFile = join(folder, `${name}.cert.pem`);
  const keyFile = join(folder, `${name}.key.pem`);
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      String(days),
      "-subj",
      `/CN=${commonName}`,
      "-addext",
      "subjectAltName=IP:127.0.0.1",
      "-keyout",
      keyFile,
      "-out",
      certFile,
    ],
    { stdio: "pipe" },
  );
  return { certFile, keyFile };
}
