export default function SchemaPage() {
  return (
    <div className="page">
      <h1>Schema</h1>
    </div>
  );
}
