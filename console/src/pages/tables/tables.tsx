export default function TablesPage() {
  return (
    <div className="page">
      <h1>Tables</h1>
    </div>
  );
}
